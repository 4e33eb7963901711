/** Ctrl+C as the process hears of it. What happens then is the command's own business. */
import process from 'node:process';

/** Within this time it is the same one: `npm start` passes Ctrl+C on to a process that has had it from the terminal already. */
const ECHO_MS = 500;

/** Calls the listener at each Ctrl+C until the returned function is called. */
export function watchInterrupts(onInterrupt: () => void): () => void {
  const isEcho = createEchoFilter(() => performance.now());
  const listener = (): void => {
    if (!isEcho()) onInterrupt();
  };
  process.on('SIGINT', listener);
  return () => process.off('SIGINT', listener);
}

/** Says of each call whether it repeats the last one that did not repeat another. The clock counts in milliseconds. */
export function createEchoFilter(now: () => number): () => boolean {
  let heardAt = Number.NEGATIVE_INFINITY;
  return () => {
    if (now() - heardAt < ECHO_MS) return true;
    heardAt = now();
    return false;
  };
}
