/** Reading turns for a viewer: who may see which, and the text of those that still run. */
import type { Target } from '../auth/audit-store.ts';
import { type OthersAction, type ReachDeps, reachOthers } from '../auth/reach-others.ts';
import type { Database, ViewerTx } from '../db/client.ts';
import { AppError, isAppError } from '../errors.ts';
import type { EventLog } from '../event-log/event-log.ts';
import { isUuid } from '../lib/ids.ts';
import type { Turn } from '../types/turn.ts';
import type { Viewer } from '../types/viewer.ts';
import type { TurnEngine } from './engine.ts';
import {
  type FoundTurn,
  selectChunks,
  selectConversation,
  selectDeleted,
  selectDocuments,
  selectToolCalls,
  selectTurn,
  selectTurnsPage,
} from './read-store.ts';
import { summarizeLog } from './summarize-log.ts';

export interface TurnReaderDeps extends ReachDeps {
  readonly eventLog: EventLog;
}

export type TurnReader = Pick<
  TurnEngine,
  'get' | 'getOfEvent' | 'list' | 'listDocuments' | 'listChunks' | 'listToolCalls'
> & {
  /** Like `get`, but without the text so far of a turn that runs: that takes reading its log. */
  getStored(viewer: Viewer, turnId: string): Promise<Turn>;
  /** Like `getStored`, for those who may cancel it. */
  getToCancel(viewer: Viewer, turnId: string): Promise<Turn>;
  /** The turn of `getToCancel` after it was cancelled: NOT_FOUND when its conversation was deleted meanwhile. */
  getCancelled(turnId: string): Promise<Turn>;
};

/** Somebody else's is one that the viewer neither asked nor has in a conversation. */
const toTargets = (viewer: Viewer, { turn, conversationOwnerId }: FoundTurn): readonly Target[] =>
  [turn.ownerId, conversationOwnerId].includes(viewer.id)
    ? []
    : [{ ownerId: conversationOwnerId, kind: 'turn', id: turn.id }];

function turnNotFound(id: string): AppError {
  return new AppError('NOT_FOUND', 'Turn not found', {
    details: { explanation: `Turn with ID ${id} does not exist` },
  });
}

/** Throws the error when it is not that which a deleted turn explains. */
async function getDeleted(database: Database, turnId: string, error: unknown): Promise<Turn> {
  if (!isAppError(error, 'NOT_FOUND')) throw error;
  const deleted = await database.asWorker((tx) => selectDeleted(tx, turnId));
  if (!deleted) throw error;
  return deleted;
}

export function createTurnReader({ database, eventLog, policy }: TurnReaderDeps): TurnReader {
  const deps: ReachDeps = { database, policy };
  /** What belongs to turns that the viewer has read: that has been written down then. */
  const readParts = <T>(viewer: Viewer, run: (tx: ViewerTx) => Promise<T>): Promise<T> =>
    reachOthers(deps, viewer, { action: 'READ_OTHERS_CONVERSATIONS', run, targets: () => [] });

  const withPartialAnswer = async (turn: Turn): Promise<Turn> => {
    if (turn.status !== 'RUNNING') return turn;
    const { events } = await database.asWorker((tx) => eventLog.readAll(tx, turn.id));
    return { ...turn, answer: summarizeLog(events).answer };
  };

  const find = async (viewer: Viewer, turnId: string, action: OthersAction): Promise<Turn> => {
    if (!isUuid(turnId)) throw turnNotFound(turnId);
    const found = await reachOthers(deps, viewer, {
      action,
      run: (tx) => selectTurn(tx, turnId),
      targets: (read) => (read ? toTargets(viewer, read) : []),
    });
    if (!found) throw turnNotFound(turnId);
    return found.turn;
  };

  const get = async (viewer: Viewer, turnId: string): Promise<Turn> =>
    withPartialAnswer(await find(viewer, turnId, 'READ_OTHERS_CONVERSATIONS'));

  return {
    get,
    getOfEvent: (viewer, turnId) =>
      get(viewer, turnId).catch((error: unknown) => getDeleted(database, turnId, error)),
    getStored: (viewer, turnId) => find(viewer, turnId, 'READ_OTHERS_CONVERSATIONS'),
    getToCancel: (viewer, turnId) => find(viewer, turnId, 'CANCEL_OTHERS_TURNS'),
    async getCancelled(turnId) {
      const found = await database.asWorker((tx) => selectTurn(tx, turnId));
      if (!found) throw turnNotFound(turnId);
      return found.turn;
    },
    async list(viewer, page) {
      const found = await reachOthers(deps, viewer, {
        action: 'READ_OTHERS_CONVERSATIONS',
        run: async (tx) => {
          const conversation = await selectConversation(tx, page.conversationId);
          return conversation && { conversation, turns: await selectTurnsPage(tx, page) };
        },
        targets: (read) =>
          read
            ? [{ ownerId: read.conversation.ownerId, kind: 'conversation', id: read.conversation.id }]
            : [],
      });
      if (!found) {
        throw new AppError('NOT_FOUND', 'Conversation not found', {
          details: { explanation: `Conversation with ID ${page.conversationId} does not exist` },
        });
      }
      return Promise.all(found.turns.map(withPartialAnswer));
    },
    listDocuments: (viewer, turnIds) => readParts(viewer, (tx) => selectDocuments(tx, turnIds)),
    listChunks: (viewer, turnIds) => readParts(viewer, (tx) => selectChunks(tx, turnIds)),
    listToolCalls: (viewer, turnIds) => readParts(viewer, (tx) => selectToolCalls(tx, turnIds)),
  };
}
