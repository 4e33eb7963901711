/** The clocks of one request to a backend: for the first event, for silence and for the whole. */
import type { BackendConfig } from '../config/config.ts';
import { AppError } from '../errors.ts';
import { OVER } from '../lib/abort.ts';

type Limits = Pick<BackendConfig, 'firstEventTimeoutMs' | 'idleTimeoutMs' | 'turnTimeoutMs'>;

export interface Deadlines {
  /** Aborted when the caller gives up, when a deadline passes and by `stop`: ends the connection in each case. */
  readonly signal: AbortSignal;
  /** BACKEND_TIMEOUT once a deadline has passed. */
  readonly expired: AppError | undefined;
  /** A read begins. Only the time inside reads counts as silence: a slow reader is not the backend's fault. */
  wait(): void;
  /**
   * A read ended. Until the first event only events count as life; afterwards any bytes do, since comments are what
   * servers and proxies send to say that a long tool call is still running.
   */
  arrive(eventCount: number): void;
  /** Stops the clocks and closes the connection if it is still open. */
  stop(): void;
}

/** Starts the clocks at once. */
export function createDeadlines(limits: Limits, caller: AbortSignal): Deadlines {
  const controller = new AbortController();
  let expired: AppError | undefined;
  let waiting = false;
  let idle: NodeJS.Timeout | undefined;

  const expire = (explanation: string): void => {
    expired ??= new AppError('BACKEND_TIMEOUT', 'The backend did not answer in time', {
      details: { explanation },
    });
    controller.abort(expired);
  };
  const onAbort = (): void => controller.abort(caller.reason);
  const onSilence = (): void => {
    if (waiting) expire(`It was silent for ${limits.idleTimeoutMs} ms.`);
  };
  const first = setTimeout(
    expire,
    limits.firstEventTimeoutMs,
    `No event within ${limits.firstEventTimeoutMs} ms.`,
  );
  const whole = setTimeout(expire, limits.turnTimeoutMs, `Not finished within ${limits.turnTimeoutMs} ms.`);
  if (caller.aborted) onAbort();
  caller.addEventListener('abort', onAbort, { once: true });

  return {
    signal: controller.signal,
    get expired() {
      return expired;
    },
    wait: () => {
      waiting = true;
      idle?.refresh();
    },
    arrive: (eventCount) => {
      waiting = false;
      if (idle !== undefined || eventCount === 0) return;
      clearTimeout(first);
      idle = setTimeout(onSilence, limits.idleTimeoutMs);
    },
    stop: () => {
      for (const timer of [first, whole, idle]) clearTimeout(timer);
      caller.removeEventListener('abort', onAbort);
      controller.abort(OVER);
    },
  };
}
