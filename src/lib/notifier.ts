/** Waking whoever waits for news; says nothing about what the news is. */

export interface Notifier {
  /** Resolves at the next `notify`, or as soon as the signal is aborted; never rejects. */
  wait(signal: AbortSignal): Promise<void>;
  notify(): void;
}

export function createNotifier(): Notifier {
  const waiting = new Set<() => void>();
  return {
    wait(signal) {
      return new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const resume = (): void => {
          waiting.delete(resume);
          signal.removeEventListener('abort', resume);
          resolve();
        };
        waiting.add(resume);
        signal.addEventListener('abort', resume, { once: true });
      });
    },
    notify() {
      for (const resume of [...waiting]) resume();
    },
  };
}
