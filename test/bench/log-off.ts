/** Millrace with its event log off, configured by the environment as `millrace serve` is. The rest, its database too, is as ever. */
import process from 'node:process';
import { createApp } from '../../src/app.ts';
import { serve } from '../../src/cli/serve.ts';
import { readEnvironment } from '../../src/config/environment.ts';
import { loadConfig } from '../../src/config/load.ts';
import { createMemoryLog } from './memory-log.ts';

const shell = {
  env: readEnvironment(),
  cwd: process.cwd(),
  out: (text: string) => process.stdout.write(text),
  err: (text: string) => process.stderr.write(text),
};
const config = loadConfig({ env: shell.env, flags: {}, cwd: shell.cwd });
await serve(config, {
  createApp: (checked, signal) => createApp(checked, { signal, openEventLog: createMemoryLog }),
  shell,
});
