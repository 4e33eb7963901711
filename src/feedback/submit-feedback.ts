/** Takes the feedback of a viewer on an answer in one of their conversations. */
import type { Database } from '../db/client.ts';
import { AppError } from '../errors.ts';
import { newId } from '../lib/ids.ts';
import { isStorable } from '../lib/text.ts';
import type { Feedback, FeedbackCategory, Sentiment } from '../types/feedback.ts';
import type { Viewer } from '../types/viewer.ts';
import type { FeedbackSwitch } from './feedback-switch.ts';
import { hasTurn, insertFeedback, lockConversation } from './store.ts';

export interface FeedbackDeps {
  readonly database: Database;
  readonly feedbackSwitch: FeedbackSwitch;
}

export interface FeedbackInput {
  /** As it is stored. */
  readonly conversationId: string;
  /** A UUID in lower case: the turn that gave the answer, if it is known. */
  readonly turnId?: string | undefined;
  readonly question: string;
  readonly answer: string;
  /** -1 or 1. */
  readonly sentiment?: number | undefined;
  readonly text?: string | undefined;
  readonly categories?: readonly FeedbackCategory[] | undefined;
}

const MAX_TEXT_CHARACTERS = 4_096;

/** Throws FORBIDDEN while feedback is off, BAD_USER_INPUT, and NOT_FOUND for a conversation that is not the viewer's own. */
export async function submitFeedback(
  { database, feedbackSwitch }: FeedbackDeps,
  viewer: Viewer,
  input: FeedbackInput,
): Promise<Feedback> {
  if (!(await feedbackSwitch.isEnabled())) {
    throw new AppError('FORBIDDEN', 'Storing feedback is disabled');
  }
  const feedback = parseFeedback(input);
  const { conversationId, turnId } = feedback;
  return database.asViewer(viewer, async (tx) => {
    if (!(await lockConversation(tx, conversationId))) {
      throw notFound('Conversation', conversationId);
    }
    if (turnId !== null && !(await hasTurn(tx, conversationId, turnId))) throw notFound('Turn', turnId);
    return insertFeedback(tx, { id: newId(), ...feedback });
  });
}

function parseFeedback(input: FeedbackInput): Omit<Feedback, 'id' | 'createdAt'> {
  const text = input.text?.trim() || null;
  const sentiment = parseSentiment(input.sentiment);
  const categories = [...new Set(input.categories ?? [])];
  if (sentiment === null && text === null && categories.length === 0) {
    throw refuse('At least one of sentiment, text and categories must be there');
  }
  if (text !== null && [...text].length > MAX_TEXT_CHARACTERS) {
    throw refuse(`text must have at most ${MAX_TEXT_CHARACTERS} characters`);
  }
  const { conversationId, turnId = null, question, answer } = input;
  requireStorable({ question, answer, text: text ?? '' });
  return { conversationId, turnId, question, answer, sentiment, text, categories };
}

function parseSentiment(sentiment: number | undefined): Sentiment | null {
  if (sentiment === undefined) return null;
  if (sentiment === -1 || sentiment === 1) return sentiment;
  throw refuse(`Improper sentiment value of ${sentiment}, needs to be -1 or 1`);
}

function requireStorable(texts: Readonly<Record<string, string>>): void {
  const wrong = Object.entries(texts).find(([, text]) => !isStorable(text));
  if (wrong) throw refuse(`${wrong[0]} contains a NUL character or a lone surrogate`);
}

function refuse(message: string): AppError {
  return new AppError('BAD_USER_INPUT', message);
}

function notFound(what: string, id: string): AppError {
  return new AppError('NOT_FOUND', `${what} not found`, {
    details: { explanation: `${what} with ID ${id} does not exist` },
  });
}
