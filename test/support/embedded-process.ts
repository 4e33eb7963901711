/** A process that starts the built-in Postgres in the directory given, says so in a line of JSON, and waits for SIGTERM. */
import { startEmbeddedPostgres } from '../../src/db/embedded.ts';
import { createLog } from '../../src/log.ts';

const [, , dataDir = ''] = process.argv;
const server = await startEmbeddedPostgres({ dataDir, log: createLog('error') });
const idle = setInterval(() => {}, 60_000);
// Before the line: whoever reads it may send the signal at once, and without a listener the server would be left behind.
process.once('SIGTERM', async () => {
  clearInterval(idle);
  await server[Symbol.asyncDispose]();
});
process.stdout.write(`${JSON.stringify({ url: server.url, pid: server.pid, adopted: server.adopted })}\n`);
