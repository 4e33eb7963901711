/** Turns of the event log without an engine: their rows, their followers, and the ways in which they end. */
import { expect } from 'vitest';
import type { Database } from '../../src/db/client.ts';
import { encodeEvents } from '../../src/event-log/codec.ts';
import type { EventLog, LogPosition, TurnWriter } from '../../src/event-log/event-log.ts';
import { insertBatches } from '../../src/event-log/postgres-store.ts';
import { newId } from '../../src/lib/ids.ts';
import type { LoggedEvent, TerminalBody } from '../../src/types/turn-event.ts';
import { NO_USAGE } from '../../src/types/usage.ts';
import { toEvent } from './events.ts';

const COMPLETE: TerminalBody = {
  type: 'end',
  referencedDocuments: [],
  ragChunkCount: 0,
  truncated: false,
  finishReason: 'STOP',
  usage: NO_USAGE,
};
const LOST: TerminalBody = { type: 'interrupted', reason: 'SERVER_LOST', answer: '', usage: NO_USAGE };

/** A turn that runs, with its first event. */
export async function insertRunningTurn(database: Database): Promise<LoggedEvent> {
  const [turnId, conversationId] = [newId(), newId()];
  const body = { type: 'start', conversationId, provider: 'p', model: 'm' } as const;
  const start = toEvent(body, 1, { turnId });
  const batch = { turnId, fence: 1, firstSeq: 1, lastSeq: 1, events: encodeEvents([start]) };
  await database.driver`INSERT INTO conversation (id, owner_id) VALUES (${conversationId}, 'v')`;
  await database.driver`
    INSERT INTO turn (id, owner_id, conversation_id, fingerprint, request, status, query, provider, model)
    VALUES (${turnId}, 'v', ${conversationId}, '', '{}', 'RUNNING', '', 'p', 'm')`;
  await database.asWorker((tx) => insertBatches(tx, [batch]));
  return start;
}

/** What a follower sees. */
export interface Sight {
  readonly events: LoggedEvent[];
  /** How often it was told to forget what it had seen. */
  readonly resets: number;
  /** Resolves when the log says that the turn has ended. */
  readonly ended: Promise<void>;
}

/** Follows from what was seen already; checks law 1 at every step and does what a reset says. */
export function follow(log: EventLog, turnId: string, seen: readonly LoggedEvent[]): Sight {
  const events = [...seen];
  const last = events.at(-1);
  let resets = 0;
  let position: LogPosition = { turnId, epoch: last?.epoch ?? 0, seq: last?.seq ?? 0 };
  const advance = async (): Promise<boolean> => {
    const step = await log.read(position, AbortSignal.timeout(10_000)).catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'DEPENDENCY_UNAVAILABLE' });
      return { kind: 'retry' } as const;
    });
    if (step?.kind === 'retry') return true;
    if (step?.kind === 'ended') return false;
    if (step?.kind === 'reset') {
      resets += 1;
      expect(step.afterSeq).toBeLessThan(position.seq);
      events.splice(step.afterSeq);
      position = { turnId, epoch: step.epoch, seq: step.afterSeq };
      return true;
    }
    if (step?.kind !== 'events') throw new Error(`a follower was told ${step?.kind ?? 'nothing'}`);
    expect(step.events.map((event) => event.seq)).toEqual(step.events.map((_, i) => position.seq + 1 + i));
    events.push(...step.events);
    position = step.events.at(-1) ?? position;
    return true;
  };
  const ended = (async () => {
    while (await advance());
  })();
  return {
    events,
    ended,
    get resets() {
      return resets;
    },
  };
}

/** What the reaper does, in one transaction: a new fence, its epoch, its terminal event. */
export async function takeOver(database: Database, log: EventLog, turnId: string): Promise<void> {
  const news = await database.asWorker(async (tx) => {
    const [row] = await tx.execute<{ fence: number }>(
      `UPDATE turn SET fence = fence + 1 WHERE id = '${turnId}' AND status = 'RUNNING' RETURNING fence`,
    );
    if (!row) return undefined;
    const lease = { turnId, fence: row.fence };
    const seq = (await log.readAll(tx, turnId)).lastSeq + 1;
    const events = encodeEvents([toEvent(LOST, seq, { turnId, epoch: row.fence })]);
    await log.recordEpoch(tx, lease, seq);
    await log.store(tx, [{ ...lease, firstSeq: seq, lastSeq: seq, events }]);
    await tx.execute(
      `UPDATE turn SET status = 'INTERRUPTED', completed_at = now(), last_seq = ${seq} WHERE id = '${turnId}'`,
    );
    return { ...lease, seq };
  });
  if (news) log.announce(news);
}

/** What the end of a turn does; an owner that was overtaken learns it here at the latest. */
export async function seal(database: Database, log: EventLog, writer: TurnWriter): Promise<void> {
  const { turnId, fence } = writer.lease;
  const { batches, lastSeq, deliver } = await writer.prepareSeal(COMPLETE);
  const sealed = await database.asWorker(async (tx) => {
    const rows = await tx.execute(
      `UPDATE turn SET status = 'COMPLETED', completed_at = now(), last_seq = ${lastSeq}
       WHERE id = '${turnId}' AND fence = ${fence} AND status = 'RUNNING' RETURNING id`,
    );
    if (rows.length > 0) await log.store(tx, batches);
    return rows.length > 0;
  });
  if (sealed) deliver();
  else writer.abandon();
}
