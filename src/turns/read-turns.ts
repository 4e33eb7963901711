/** Reading turns for a viewer: who may see which, and the text of those that still run. */

import type { Policy } from '../auth/policy.ts';
import type { Database } from '../db/client.ts';
import { AppError } from '../errors.ts';
import type { EventLog } from '../event-log/event-log.ts';
import { isUuid } from '../lib/ids.ts';
import type { Action } from '../types/action.ts';
import type { Turn } from '../types/turn.ts';
import type { Viewer } from '../types/viewer.ts';
import type { TurnEngine } from './engine.ts';
import {
  selectChunks,
  selectConversation,
  selectDocuments,
  selectToolCalls,
  selectTurn,
  selectTurnsPage,
} from './read-store.ts';
import { summarizeLog } from './summarize-log.ts';

export interface TurnReaderDeps {
  readonly database: Database;
  readonly eventLog: EventLog;
  readonly policy: Policy;
}

export type TurnReader = Pick<
  TurnEngine,
  'get' | 'list' | 'listDocuments' | 'listChunks' | 'listToolCalls'
> & {
  /** Like `get`, but without the text so far of a turn that runs: that takes reading its log. */
  getStored(viewer: Viewer, turnId: string): Promise<Turn>;
  /** Like `getStored`, for those who may cancel it. */
  getToCancel(viewer: Viewer, turnId: string): Promise<Turn>;
};

function turnNotFound(id: string): AppError {
  return new AppError('NOT_FOUND', 'Turn not found', {
    details: { explanation: `Turn with ID ${id} does not exist` },
  });
}

export function createTurnReader({ database, eventLog, policy }: TurnReaderDeps): TurnReader {
  /** Whose turns the viewer sees: their own, or everybody's with the action. */
  const scope = (viewer: Viewer, action: Action) => ({
    ownerId: policy.can(viewer, action) ? null : viewer.id,
  });
  const reading = (viewer: Viewer) => scope(viewer, 'READ_OTHERS_CONVERSATIONS');

  const withPartialAnswer = async (turn: Turn): Promise<Turn> => {
    if (turn.status !== 'RUNNING') return turn;
    const events = await database.asWorker((tx) => eventLog.readAll(tx, turn.id));
    return { ...turn, answer: summarizeLog(events).answer };
  };

  const find = async (viewer: Viewer, turnId: string, action: Action): Promise<Turn> => {
    const turn = isUuid(turnId)
      ? await database.asViewer(viewer, (tx) => selectTurn(tx, turnId, scope(viewer, action)))
      : undefined;
    if (!turn) throw turnNotFound(turnId);
    return turn;
  };

  return {
    get: async (viewer, turnId) => withPartialAnswer(await find(viewer, turnId, 'READ_OTHERS_CONVERSATIONS')),
    getStored: (viewer, turnId) => find(viewer, turnId, 'READ_OTHERS_CONVERSATIONS'),
    getToCancel: (viewer, turnId) => find(viewer, turnId, 'CANCEL_OTHERS_TURNS'),
    async list(viewer, page) {
      const found = await database.asViewer(viewer, async (tx) => {
        const conversation = await selectConversation(tx, page.conversationId);
        const { ownerId } = reading(viewer);
        if (!conversation || (ownerId !== null && conversation.ownerId !== ownerId)) return undefined;
        return selectTurnsPage(tx, page, { ownerId });
      });
      if (!found) {
        throw new AppError('NOT_FOUND', 'Conversation not found', {
          details: { explanation: `Conversation with ID ${page.conversationId} does not exist` },
        });
      }
      return Promise.all(found.map(withPartialAnswer));
    },
    listDocuments: (viewer, turnIds) =>
      database.asViewer(viewer, (tx) => selectDocuments(tx, turnIds, reading(viewer))),
    listChunks: (viewer, turnIds) =>
      database.asViewer(viewer, (tx) => selectChunks(tx, turnIds, reading(viewer))),
    listToolCalls: (viewer, turnIds) =>
      database.asViewer(viewer, (tx) => selectToolCalls(tx, turnIds, reading(viewer))),
  };
}
