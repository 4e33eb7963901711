/** Single events out of batches. */
import { describe, expect, it, vi } from 'vitest';
import { toEventIterator } from '../../../src/graphql/event-iterator.ts';
import type { TurnEvent } from '../../../src/types/turn-event.ts';
import { toTokens } from '../../support/turn-events.ts';

async function* batchesOf(...batches: readonly (readonly TurnEvent[])[]) {
  yield* batches;
}

/** A source that says nothing until it is stopped, as the turn engine's are. */
function silentSource(signal: AbortSignal): AsyncIterable<readonly TurnEvent[]> {
  return {
    [Symbol.asyncIterator]: () => ({
      next: () =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => resolve({ done: true, value: undefined }), { once: true });
        }),
    }),
  };
}

const tokens = toTokens(['a', 'b', 'c', 'd']);
const stopped = () => undefined;

describe('toEventIterator', () => {
  it('gives the events of all batches in order, passing over empty ones', async () => {
    const batches = batchesOf([], tokens.slice(0, 3), [], tokens.slice(3));
    expect(await Array.fromAsync(toEventIterator(batches, stopped))).toEqual(tokens);
  });

  it('gives the events of a batch without asking the source for more', async () => {
    const source = batchesOf(tokens)[Symbol.asyncIterator]();
    const next = vi.spyOn(source, 'next');
    const events = toEventIterator(source, stopped);
    for (const token of tokens) expect(await events.next()).toEqual({ done: false, value: token });
    expect(next).toHaveBeenCalledTimes(1);
    expect(await events.next()).toEqual({ done: true, value: undefined });
    expect(next).toHaveBeenCalledTimes(2);
  });

  it('gives every event once when several are asked for at the same time', async () => {
    const events = toEventIterator(batchesOf(tokens.slice(0, 1), tokens.slice(1)), stopped);
    const results = await Promise.all(Array.from({ length: 6 }, () => events.next()));
    expect(results.map(({ value }) => value)).toEqual([...tokens, undefined, undefined]);
  });

  it('stops the source at once when its reader leaves while a batch is awaited', async () => {
    const controller = new AbortController();
    const events = toEventIterator(silentSource(controller.signal), () => controller.abort());
    const pending = events.next();
    expect(await events.return?.()).toEqual({ done: true, value: undefined });
    expect(controller.signal.aborted).toBe(true);
    expect(await pending).toEqual({ done: true, value: undefined });
  });

  it('gives nothing more of a batch after its reader has left', async () => {
    const events = toEventIterator(batchesOf(tokens), stopped);
    await events.next();
    await events.return?.();
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });

  it('lets the source clean up when its reader leaves', async () => {
    const cleaned = Promise.withResolvers<void>();
    const source = (async function* () {
      try {
        yield tokens;
      } finally {
        cleaned.resolve();
      }
    })();
    const events = toEventIterator(source, stopped);
    await events.next();
    await events.return?.();
    await expect(cleaned.promise).resolves.toBeUndefined();
  });

  it('passes a failure of the source on once, and has then ended', async () => {
    const stop = vi.fn();
    const source = (async function* () {
      yield tokens.slice(0, 1);
      throw new Error('the log cannot be read');
    })();
    const events = toEventIterator(source, stop);
    await events.next();
    await expect(events.next()).rejects.toThrow('the log cannot be read');
    expect(await events.next()).toEqual({ done: true, value: undefined });
    expect(stop).toHaveBeenCalled();
  });
});
