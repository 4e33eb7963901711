/** Feedback of a viewer on an answer. */

/** -1: the answer was bad, 1: it was good. */
export type Sentiment = -1 | 1;

export const FEEDBACK_CATEGORIES = [
  'INCORRECT',
  'NOT_RELEVANT',
  'INCOMPLETE',
  'OUTDATED_INFORMATION',
  'UNSAFE',
  'OTHER',
] as const;
export type FeedbackCategory = (typeof FEEDBACK_CATEGORIES)[number];

/** What a viewer said. At least one of sentiment, text and categories is there. */
export interface Feedback {
  readonly id: string;
  readonly conversationId: string;
  readonly turnId: string | null;
  readonly question: string;
  readonly answer: string;
  readonly sentiment: Sentiment | null;
  readonly text: string | null;
  readonly categories: readonly FeedbackCategory[];
  readonly createdAt: Date;
}
