/** A process of the bench: started, asked, and ended again, whatever happens. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ask } from './rpc.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** How long a process may take to end in order. */
const STOP_MS = 20_000;

export interface ChildOptions {
  /** For messages. */
  readonly name: string;
  /** Arguments of node: its flags, the script relative to the project, the script's arguments. */
  readonly args: readonly string[];
  /** Beside PATH and HOME, the whole environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Disposing asks the process to end, and kills it when it does not. */
export interface BenchChild extends AsyncDisposable {
  /** Rejects with the name of the process and what it said last. */
  ask<Value>(question: string, input?: unknown): Promise<Value>;
  /** Resolves with the first group of the pattern as soon as standard output has a match. */
  waitFor(pattern: RegExp): Promise<string>;
}

export function startChild({ name, args, env }: ChildOptions): BenchChild {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: { PATH, HOME, NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const texts = { out: '', err: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    texts.out += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    texts.err += text;
  });
  const closed = once(child, 'close');
  const toFailure = (error: unknown): Error => {
    const reason = error instanceof Error ? error.message : String(error);
    const lastWords = texts.err.trim().split('\n').at(-1);
    return new Error([`${name}: ${reason}`, ...(lastWords ? [lastWords] : [])].join('; '));
  };

  return {
    ask: <Value>(question: string, input?: unknown) =>
      ask<Value>(child, question, input).catch((error: unknown) => {
        throw toFailure(error);
      }),
    waitFor(pattern) {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      const look = (): void => {
        const found = pattern.exec(texts.out)?.[1];
        if (found !== undefined) resolve(found);
      };
      const onClose = (): void => reject(toFailure('it ended before it was ready'));
      child.stdout?.on('data', look);
      child.once('close', onClose);
      look();
      return promise.finally(() => {
        child.stdout?.off('data', look);
        child.off('close', onClose);
      });
    },
    async [Symbol.asyncDispose]() {
      const patience = new AbortController();
      child.kill('SIGTERM');
      const kill = delay(STOP_MS, undefined, patience).then(() => child.kill('SIGKILL'));
      kill.catch(() => undefined);
      await closed;
      patience.abort();
    },
  };
}
