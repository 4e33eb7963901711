/** The writer of a turn between its followers and the log. */
import { describe, expect, it } from 'vitest';
import { decodeEvents } from '../../../src/event-log/codec.ts';
import type { EventBatch } from '../../../src/event-log/event-log.ts';
import { createTail } from '../../../src/event-log/tail.ts';
import { createTurnWriter } from '../../../src/event-log/turn-writer.ts';
import type { LoggedEvent, TerminalBody } from '../../../src/types/turn-event.ts';
import { NO_USAGE } from '../../../src/types/usage.ts';
import { TURN_ID, toTokenEvents } from '../../support/events.ts';

const END: TerminalBody = { type: 'interrupted', reason: 'CANCELLED', answer: '', usage: NO_USAGE };
const token = (text: string) => ({ type: 'token' as const, chunkId: 0, token: text });

function openWriter() {
  const tail = createTail(1, toTokenEvents([])[0] as LoggedEvent, 'async');
  const calls: string[] = [];
  const writer = createTurnWriter({ turnId: TURN_ID, fence: 1 }, tail, {
    now: () => 5,
    onPending: () => calls.push('pending'),
    onClosed: () => calls.push('closed'),
    onLost: () => calls.push('lost'),
  });
  return { tail, writer, calls };
}

const seqs = (batch: EventBatch | undefined): readonly number[] =>
  batch ? decodeEvents(batch.events, { ...batch, epoch: batch.fence }).map((event) => event.seq) : [];

describe('the turn writer', () => {
  it('delivers at once and offers the events for storing', () => {
    const { tail, writer, calls } = openWriter();
    writer.append([token('a'), token('b')]);
    expect(tail.after(1)?.map((event) => event.seq)).toEqual([2, 3]);
    expect(calls).toEqual(['pending']);
    expect(seqs(writer.take())).toEqual([2, 3]);
  });

  it('has one write in flight, and offers a failed one again with the same bounds', () => {
    const { writer } = openWriter();
    writer.append([token('a')]);
    const first = writer.take();
    writer.append([token('b')]);
    expect(writer.take()).toBeUndefined();
    writer.settle('failed');
    expect(writer.take()).toEqual(first);
    writer.settle('stored');
    expect(seqs(writer.take())).toEqual([3]);
  });

  it('seals with everything that is not known to be stored, the terminal event last', async () => {
    const { writer } = openWriter();
    writer.append([token('a')]);
    writer.take();
    writer.append([token('b')]);
    const sealing = writer.prepareSeal(END);
    writer.settle('failed');
    const seal = await sealing;
    expect(seal.batches.map(seqs)).toEqual([[2], [3, 4]]);
    expect(seal.lastSeq).toBe(4);
  });

  it('tells the terminal event only when it is delivered, and nothing afterwards', async () => {
    const { tail, writer, calls } = openWriter();
    const seal = await writer.prepareSeal(END);
    writer.append([token('late')]);
    expect(tail.lastSeq).toBe(1);
    seal.deliver();
    seal.deliver();
    expect(tail.after(1)?.map((event) => event.type)).toEqual(['interrupted']);
    expect(tail.closed).toBe(true);
    expect(calls).toEqual(['closed']);
  });

  it('may prepare another ending as long as none was delivered', async () => {
    const { writer } = openWriter();
    await writer.prepareSeal(END);
    const seal = await writer.prepareSeal({ ...END, reason: 'SHUTDOWN' });
    expect(seal.lastSeq).toBe(2);
    expect(seal.batches.map(seqs)).toEqual([[2]]);
  });

  it('writes nothing more when its fence is stale', () => {
    const { tail, writer, calls } = openWriter();
    writer.append([token('a')]);
    writer.take();
    writer.settle('lost');
    writer.append([token('b')]);
    expect(writer.take()).toBeUndefined();
    expect(tail.lastSeq).toBe(2);
    expect(calls).toEqual(['pending', 'closed', 'lost']);
  });
});
