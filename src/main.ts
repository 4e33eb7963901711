#!/usr/bin/env node
/** The process entry: runs the command line with what belongs to this process. */
import process from 'node:process';
import { findVersionProblem } from './cli/node-version.ts';

const problem = findVersionProblem(process.versions.node);
if (problem === undefined) {
  const { readEnvironment } = await import('./config/environment.ts');
  const { runProgram } = await import('./cli/program.ts');
  const code = await runProgram(process.argv.slice(2), {
    env: readEnvironment(),
    cwd: process.cwd(),
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    terminal: process.stderr,
  });
  // A server that did not come up may have left something running.
  if (code !== 0) process.exit(code);
} else {
  process.stderr.write(`millrace: ${problem}\n`);
  process.exitCode = 1;
}
