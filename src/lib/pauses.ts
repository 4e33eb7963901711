/** Noticing that this process stood still: stopped, starved or busy with something long. */

export interface PauseOptions {
  /** The longest time without a tick, in milliseconds, that is no pause. */
  readonly longestMs: number;
  /** A monotonic clock. */
  readonly now?: () => number;
  /** Called soon after a pause with its length in milliseconds, at most once a pause. Must not throw. */
  onPause(pausedMs: number): void;
}

/** Watches until disposed; does not keep the process alive. */
export function watchPauses({ longestMs, onPause, now = () => performance.now() }: PauseOptions): Disposable {
  let last = now();
  const tick = (): void => {
    const gap = now() - last;
    last += gap;
    if (gap > longestMs) onPause(gap);
  };
  const timer = setInterval(tick, longestMs / 4).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
