/** Makes single events out of the batches in which something is followed. */

const DONE = { done: true, value: undefined } as const;

/**
 * The events one by one. From the batch at hand they come without waiting; `return` calls `stop` at once, also while
 * a batch is awaited, and the awaited `next` then settles when the source does. A failure of the source is passed on
 * once: it is the transport's to tell the client that its last cursor stays valid.
 */
export function toEventIterator<Event>(
  batches: AsyncIterable<readonly Event[]>,
  stop: () => void,
): AsyncIterableIterator<Event, undefined> {
  type Result = IteratorResult<Event, undefined>;
  const source = batches[Symbol.asyncIterator]();
  let batch: readonly Event[] = [];
  let index = 0;
  let ended = false;
  let pull: Promise<Result> | undefined;

  const end = (): Result => {
    ended = true;
    batch = [];
    stop();
    // Whoever leaves neither waits for the source's cleanup nor can do anything about its failure.
    source.return?.().catch(() => undefined);
    return DONE;
  };
  const fill = async (): Promise<Result> => {
    try {
      for (;;) {
        const step = await source.next();
        if (ended || step.done) return end();
        [batch, index] = [step.value, 1];
        const [first] = batch;
        if (first) return { done: false, value: first };
      }
    } catch (error) {
      end();
      throw error;
    } finally {
      pull = undefined;
    }
  };
  const next = (): Promise<Result> => {
    if (pull) return pull.then(next);
    if (ended) return Promise.resolve(DONE);
    const event = batch[index];
    index += 1;
    if (event) return Promise.resolve({ done: false, value: event });
    pull = fill();
    return pull;
  };
  return {
    next,
    return: () => Promise.resolve(end()),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
