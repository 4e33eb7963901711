/** What followers of one foreign turn share: nothing is skipped, nothing of an older writer is passed on, and it stays small. */
import { describe, expect, it } from 'vitest';
import { createWindow } from '../../../src/event-log/window.ts';
import { TURN_ID, toTokenEvents } from '../../support/events.ts';

const events = toTokenEvents(Array.from({ length: 99 }, (_, index) => `t${index}`));
const at = (seq: number, epoch = seq === 0 ? 0 : 1) => ({ turnId: TURN_ID, epoch, seq });
const read = (from: number, to: number, size = 10) => ({ events: events.slice(from, to), size });
const seqs = (found: readonly { readonly seq: number }[] | undefined) => found?.map(({ seq }) => seq);

describe('the window', () => {
  it('gives the rest after every position that it holds, and leaves all others to the store', () => {
    const window = createWindow(1_000);
    window.add(at(10), read(10, 15));
    window.add(at(15), read(15, 20));
    expect(window.after(at(9))).toBeUndefined();
    for (let seq = 10; seq < 20; seq += 1) {
      expect(seqs(window.after(at(seq)))).toEqual(Array.from({ length: 20 - seq }, (_, i) => seq + 1 + i));
    }
    expect(window.after(at(20))).toBeUndefined();
  });

  it('takes each event once, whoever reads it, and never with a hole before it', () => {
    const window = createWindow(1_000);
    window.add(at(0), read(0, 5));
    window.add(at(0), read(0, 3));
    window.add(at(3), read(3, 8));
    expect(seqs(window.after(at(0)))).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    window.add(at(20), read(20, 22));
    expect(window.after(at(7))).toBeUndefined();
    expect(seqs(window.after(at(20)))).toEqual([21, 22]);
    window.add(at(2), read(2, 9));
    expect(seqs(window.after(at(20)))).toEqual([21, 22]);
  });

  it('leaves a position of another writer to the store', () => {
    const window = createWindow(1_000);
    window.add(at(0), read(0, 5));
    expect(window.after(at(3, 2))).toBeUndefined();
    window.add(at(40), read(40, 45));
    expect(window.after(at(40, 2))).toBeUndefined();
    expect(seqs(window.after(at(40)))).toEqual([41, 42, 43, 44, 45]);
  });

  it('never holds more than its capacity, and keeps the newest', () => {
    const window = createWindow(100);
    for (let seq = 0; seq < 99; seq += 1) {
      window.add(at(seq), read(seq, seq + 1));
      expect(window.size).toBeLessThanOrEqual(100);
      expect(seqs(window.after(at(seq)))).toEqual([seq + 1]);
    }
    expect(window.after(at(50))).toBeUndefined();
    window.add(at(99), { events: [{ ...events[0], seq: 100 } as (typeof events)[0] & object], size: 500 });
    expect([window.size, window.after(at(99))]).toEqual([0, undefined]);
  });
});
