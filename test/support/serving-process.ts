/** A process that serves a pretended application, for tests of how `millrace serve` starts and ends. Its argument says what goes wrong. */
import { createServer } from 'node:http';
import { serve } from '../../src/cli/serve.ts';
import { runWithConfig } from '../../src/cli/shell.ts';
import type { App } from '../../src/types/app.ts';

const [fault] = process.argv.slice(2);
const out = (text: string): void => void process.stdout.write(text);
const err = (text: string): void => void process.stderr.write(text);

async function createApp(): Promise<App> {
  if (fault === 'start') throw new Error('The port is taken\nby another');
  // Something that keeps the process alive until it is disposed of, as a real application does.
  const server = createServer().listen(0, '127.0.0.1');
  process.once('SIGUSR1', () => {
    throw new Error('Nobody expected this');
  });
  return {
    url: 'http://127.0.0.1:1',
    startupSummary: {
      version: '0.0.0',
      url: 'http://127.0.0.1:1',
      graphiqlUrl: null,
      backends: [],
      database: 'DATABASE_URL',
    },
    runningTurns: fault === 'turns' ? 2 : 0,
    async drain() {
      out('draining\n');
    },
    async [Symbol.asyncDispose]() {
      out('disposing\n');
      if (fault === 'stop') await new Promise(() => {});
      server.close();
      out('disposed\n');
    },
  };
}

const shell = { env: { LOG_LEVEL: process.env.LOG_LEVEL }, cwd: process.cwd(), out, err };
const code = await runWithConfig(shell, {}, async ({ config }) => {
  await serve(config, { createApp, shell });
  return 0;
});
if (code !== 0) process.exit(code);
