/** Runs a script of the project in a process of its own and reads what it says. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from './source-files.ts';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

/** Disposing kills the process if it still runs. */
export interface TestProcess extends AsyncDisposable {
  /** Resolves with everything on standard output as soon as it contains the text; rejects when the process ends without. */
  waitFor(text: string): Promise<string>;
  send(signal: NodeJS.Signals): void;
  readonly exit: Promise<Exit>;
}

/** The environment is exactly what is given, and PATH. */
export function startProcess(
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): TestProcess {
  const child = spawn(process.execPath, [join(ROOT, script), ...args], {
    env: { ...env, PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const texts = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    texts.out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    texts.err += text;
  });
  const exit = once(child, 'close').then(([code, signal]): Exit => ({ code, signal, ...texts }));
  return {
    exit,
    waitFor: (text) => waitFor(child, texts, text),
    send: (signal) => void child.kill(signal),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exit;
    },
  };
}

/**
 * Whether there is a process that still runs. One that has ended stays listed until its parent takes notice, and an init that
 * adopts orphans may take its time: that one does not run.
 */
export async function isRunning(pid: number): Promise<boolean> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const state = text.slice(text.lastIndexOf(')') + 2, text.lastIndexOf(')') + 3);
  return state !== '' && state !== 'Z' && state !== 'X';
}

function waitFor(
  child: ChildProcess,
  texts: { readonly out: string; readonly err: string },
  text: string,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      if (texts.out.includes(text)) resolve(texts.out);
    };
    child.stdout?.on('data', look);
    child.once('close', () =>
      reject(new Error(`Ended without ${JSON.stringify(text)}: ${texts.out}${texts.err}`)),
    );
    look();
  });
}
