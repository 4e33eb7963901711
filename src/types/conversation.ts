/** A conversation: the turns of one viewer on one subject. */

export interface Conversation {
  /** Lower-case UUID, or 48 hex digits for conversations that a backend named. */
  readonly id: string;
  readonly ownerId: string;
  readonly topicSummary: string | null;
  readonly createdAt: Date;
  readonly lastMessageAt: Date;
  /** Number of turns that ended with something to show. */
  readonly messageCount: number;
  readonly lastUsedProvider: string | null;
  readonly lastUsedModel: string | null;
}
