/** Ends a turn: one transaction for everything that is left to store, and only then the terminal event. */
import type { Announcer } from '../conversations/announcer.ts';
import type { Database, WorkerTx } from '../db/client.ts';
import { isPassing } from '../db/errors.ts';
import { AppError, isAppError } from '../errors.ts';
import type { EventBatch, EventLog, TurnLease } from '../event-log/event-log.ts';
import { delay } from '../lib/abort.ts';
import { newId } from '../lib/ids.ts';
import type { Log } from '../log.ts';
import { announceTurn } from './announce-turn.ts';
import { type Ending, toEndedTurn, toTerminalBody, toTurnFailure } from './ending.ts';
import type { LiveTurn } from './live-turns.ts';
import { wasEndedBy } from './read-store.ts';
import {
  countTurn,
  type EndedTurn,
  endTurn,
  eraseContent,
  insertTurnDetails,
  lockConversationOf,
  type SealedTurn,
} from './store.ts';
import type { TurnSummary } from './translate.ts';

/** What else belongs to the end of a turn, in its transaction: usage, jobs. Must not call anything outside the database. */
export type FollowUp = (tx: WorkerTx, sealed: SealedTurn, ended: EndedTurn) => Promise<void>;

export interface FinishDeps {
  readonly database: Database;
  readonly followUp: FollowUp;
  /** Tells other nodes and tabs, after the commit. */
  readonly announce: Announcer['announce'];
  readonly eventLog: EventLog;
  readonly log: Log;
  /** Aborted when the process can wait no longer; what is not stored by then is left to the reaper of a later process. */
  readonly giveUp: AbortSignal;
}

const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 2_000;
/** Failures that should pass are taken for passing this often; a result that takes too long every time is refused. */
const MAX_PASSING = 5;

/** What a deleted conversation keeps of a turn: that it ended, and how, but nothing that was said. */
function withoutContent(ended: EndedTurn): EndedTurn {
  return { ...ended, answer: '', chunks: [] };
}

/** Everything that ends a turn, in one transaction; undefined when the lease is no longer ours. */
export async function sealTurn(
  deps: Pick<FinishDeps, 'eventLog' | 'followUp'>,
  tx: WorkerTx,
  end: { readonly lease: TurnLease; readonly ended: EndedTurn; readonly batches: readonly EventBatch[] },
): Promise<SealedTurn | undefined> {
  const { lease, ended, batches } = end;
  // The conversation first: acceptance locks it first too, so the two cannot wait for each other.
  const kept = await lockConversationOf(tx, lease.turnId);
  const sealed = await endTurn(tx, lease, kept ? ended : withoutContent(ended));
  if (!sealed) return undefined;
  // Sent together: none of them needs the answer of another.
  const storing = kept
    ? [
        deps.eventLog.store(tx, batches),
        insertTurnDetails(tx, lease.turnId, ended),
        countTurn(tx, lease.turnId, ended),
      ]
    : [eraseContent(tx, lease.turnId)];
  await Promise.all([...storing, deps.followUp(tx, sealed, ended)]);
  return sealed;
}

export interface TurnResult {
  readonly ending: Ending;
  readonly summary: TurnSummary;
}

/** What is left of a result that the database will not take: the text, and that something went wrong. */
function toUnstorable({ summary }: TurnResult): TurnResult {
  const error = new AppError('INTERNAL_SERVER_ERROR', 'Internal server error', {
    details: { explanation: 'The answer could not be stored completely' },
  });
  return {
    ending: { kind: 'failed', error: toTurnFailure(error, newId()) },
    summary: withoutDetails(summary),
  };
}

/** The text and what it cost: what is left when the database refuses the rest. */
export function withoutDetails(summary: TurnSummary): TurnSummary {
  return { ...summary, referencedDocuments: [], chunks: [], toolCalls: [], toolResults: [] };
}

/** One try; false when the turn is another node's by now. */
async function trySeal(deps: FinishDeps, turn: LiveTurn, { ending, summary }: TurnResult): Promise<boolean> {
  const { lease } = turn.writer;
  const seal = await turn.writer.prepareSeal(toTerminalBody(ending, summary));
  const ended = toEndedTurn(ending, summary, seal.lastSeq);
  const sealed = await deps.database.asWorker(
    (tx) => sealTurn(deps, tx, { lease, ended, batches: seal.batches }),
    'seal',
  );
  // Not sealed now can still mean sealed before, by a commit whose outcome was not heard.
  const ours =
    sealed !== undefined || (await deps.database.asWorker((tx) => wasEndedBy(tx, lease, seal.lastSeq)));
  if (ours) seal.deliver();
  if (sealed) announceTurn(deps.announce, sealed);
  return ours;
}

/**
 * Seals the turn and then delivers its terminal event. While the database is away nothing terminal is sent:
 * the result is kept and tried again until it is stored, the turn is lost to another node, or `giveUp`.
 * The same after a deadlock or a timeout, a few times. A result that the database refuses becomes an error with the text kept;
 * if even that is refused, the reaper ends the turn.
 */
export async function finishTurn(deps: FinishDeps, turn: LiveTurn, result: TurnResult): Promise<void> {
  let current = result;
  let wait = FIRST_RETRY_MS;
  let passing = 0;
  while (!turn.lost) {
    try {
      if (!(await trySeal(deps, turn, current))) turn.lose();
      return;
    } catch (error) {
      deps.log.error(
        { err: error, turnId: turn.id },
        'the end of a turn could not be stored; it is tried again',
      );
      const isLater =
        isAppError(error, 'DEPENDENCY_UNAVAILABLE') || (isPassing(error) && passing < MAX_PASSING);
      if (deps.giveUp.aborted || (!isLater && current !== result)) return turn.lose();
      if (isPassing(error)) passing += 1;
      if (!isLater) current = toUnstorable(result);
    }
    turn.writer.stall();
    await delay(wait, deps.giveUp);
    wait = Math.min(wait * 2, LONGEST_RETRY_MS);
  }
}
