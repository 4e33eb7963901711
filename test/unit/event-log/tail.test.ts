/** The in-process tail: what followers on the writing node see. */
import { describe, expect, it } from 'vitest';
import { createTail } from '../../../src/event-log/tail.ts';
import type { LoggedEvent } from '../../../src/types/turn-event.ts';
import { toTokenEvents } from '../../support/events.ts';

const never = new AbortController().signal;

function fill(count: number) {
  const [first, ...rest] = toTokenEvents(Array.from({ length: count - 1 }, (_, index) => `t${index}`));
  const tail = createTail(1, first as LoggedEvent, 'async');
  tail.push(rest);
  return tail;
}

describe('the tail', () => {
  it('gives exactly the rest after every position', () => {
    const tail = fill(20);
    for (let seq = 0; seq <= 20; seq += 1) {
      expect(tail.after(seq)?.map((event) => event.seq)).toEqual(
        Array.from({ length: 20 - seq }, (_, i) => seq + 1 + i),
      );
    }
  });

  it('wakes everyone who waits, at a push and at the end', async () => {
    const tail = fill(2);
    const waiting = [tail.changed(never), tail.changed(never)];
    tail.push(toTokenEvents(['a', 'b']).slice(2));
    await Promise.all(waiting);
    const last = tail.changed(never);
    tail.close();
    await last;
    await tail.changed(never);
    expect(tail.closed).toBe(true);
  });

  it('lets go of a follower that gives up', async () => {
    const tail = fill(2);
    const controller = new AbortController();
    const waiting = tail.changed(controller.signal);
    controller.abort();
    await waiting;
    expect(tail.closed).toBe(false);
  });

  it('drops what is stored but never what is not', () => {
    const tail = fill(5000);
    tail.markStored(2500);
    expect(tail.after(0)).toBeUndefined();
    expect(tail.after(2500)).toHaveLength(2500);
    tail.markStored(5000);
    expect(tail.after(4999)?.map((event) => event.seq)).toEqual([5000]);
    expect(tail.after(5000)).toEqual([]);
  });

  it('says that it is stalled until something comes', () => {
    const tail = fill(2);
    tail.stall();
    expect(tail.stalled).toBe(true);
    tail.push(toTokenEvents(['a', 'b']).slice(2));
    expect(tail.stalled).toBe(false);
  });

  it('shows nothing before it is stored, with sync', async () => {
    const [first, ...rest] = toTokenEvents(['a', 'b', 'c']);
    const tail = createTail(1, first as LoggedEvent, 'sync');
    const seen: number[] = [];
    const waiting = tail.changed(never).then(() => seen.push(...(tail.after(1) ?? []).map(({ seq }) => seq)));
    tail.push(rest);
    expect([tail.lastSeq, tail.after(0)?.length, tail.after(1)]).toEqual([4, 1, []]);
    tail.markStored(3);
    await waiting;
    expect(seen).toEqual([2, 3]);
    tail.close();
    expect(tail.after(3)).toEqual([]);
  });
});
