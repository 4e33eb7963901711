/** Tells other nodes and tabs that a turn has started or ended. */
import type { Announcer } from '../conversations/announcer.ts';
import type { Turn } from '../types/turn.ts';

/** To be called after the commit. Its conversation has changed with it: begun, or spoken in. */
export function announceTurn(
  announce: Announcer['announce'],
  { id: turnId, ownerId, conversationId }: Pick<Turn, 'id' | 'ownerId' | 'conversationId'>,
): void {
  announce({ kind: 'TURN_CHANGED', ownerId, conversationId, turnId });
  announce({ kind: 'CONVERSATION_UPSERT', ownerId, conversationId });
}
