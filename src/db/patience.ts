/** Waiting for a database at start: what cannot be reached yet is tried again, for a bounded time. Outages later on are not its business. */
import { AppError, isAppError } from '../errors.ts';
import { delay } from '../lib/abort.ts';
import type { Log } from '../log.ts';
import { databaseCode, isUnreachable } from './errors.ts';

export interface Patience {
  /**
   * Does a step, again and again while the database cannot be reached; a step must be one that may be repeated. What else a
   * step throws is passed on. When the time is over it throws DEPENDENCY_UNAVAILABLE with the last reason, and the
   * signal's reason as soon as that is aborted.
   */
  attempt<T>(step: () => Promise<T>): Promise<T>;
  /** Resolves after a pause, longer from one to the next. Throws as `attempt` does. */
  pause(reason: string, cause?: unknown): Promise<void>;
}

export interface PatienceOptions {
  /** Longest time in milliseconds that passes from now on. */
  readonly timeoutMs: number;
  /** Aborted when nobody waits for the start any more. */
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Told at each pause what is waited for; says nothing about where the database is. */
  onWait(reason: string): void;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** The log is told once in this time. */
const LOG_MS = 30_000;

export function createPatience({ timeoutMs, signal, log, onWait }: PatienceOptions): Patience {
  const startedAt = performance.now();
  let nextPauseMs = FIRST_PAUSE_MS;
  let quietUntil = startedAt;

  const pause = async (reason: string, cause?: unknown): Promise<void> => {
    signal.throwIfAborted();
    const now = performance.now();
    const leftMs = startedAt + timeoutMs - now;
    if (leftMs <= 0) throw toTimeout(reason, timeoutMs, cause);
    onWait(reason);
    if (now >= quietUntil) {
      quietUntil = now + LOG_MS;
      log.warn({ ...(cause !== undefined && { err: cause }), leftMs: Math.round(leftMs) }, reason);
    }
    await delay(Math.min(nextPauseMs * (0.5 + Math.random() / 2), leftMs), signal);
    nextPauseMs = Math.min(nextPauseMs * 2, LONGEST_PAUSE_MS);
    signal.throwIfAborted();
  };

  return {
    pause,
    async attempt(step) {
      for (;;) {
        signal.throwIfAborted();
        try {
          return await step();
        } catch (error) {
          signal.throwIfAborted();
          if (!isWorthWaiting(error)) throw error;
          await pause(`waiting for the database: ${toReason(error)}`, rootOf(error));
        }
      }
    },
  };
}

function toTimeout(reason: string, timeoutMs: number, cause: unknown): AppError {
  const seconds = Math.round(timeoutMs / 1000);
  const message = `Gave up after ${seconds} s of ${reason}; check DATABASE_URL and the server it names`;
  return new AppError('DEPENDENCY_UNAVAILABLE', message, { cause });
}

function isWorthWaiting(error: unknown): boolean {
  if (!isAppError(error)) return isUnreachable(error);
  return error.code === 'DEPENDENCY_UNAVAILABLE' && (error.cause === undefined || isUnreachable(error.cause));
}

function rootOf(error: unknown): unknown {
  return isAppError(error) ? (error.cause ?? error) : error;
}

/** Without an address: probes are answered to everybody. */
function toReason(error: unknown): string {
  const root = rootOf(error);
  return (isAppError(root) ? undefined : databaseCode(root)) ?? 'it does not answer';
}
