/** What the backend is told of the conversation so far: earlier questions and answers, as far as they fit. Pure. */
import type { InputMessage } from '../backend/backend.ts';
import { toInputText } from './input-content.ts';
import type { PastTurn } from './past-store.ts';

/** Tokens that are left for the answer when no allowance is given. */
const RESERVED_FOR_ANSWER = 4_096;
/** UTF-8 bytes per token: low enough for code and CJK, so that the estimate errs on the side of fitting. */
const BYTES_PER_TOKEN = 3;
/** What the messages' framing costs, in tokens. */
const TOKENS_PER_MESSAGE = 4;

export function estimateTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN) + TOKENS_PER_MESSAGE;
}

export interface History {
  /** Oldest first. */
  readonly messages: readonly InputMessage[];
  /** Number of earlier turns that did not fit. */
  readonly omitted: number;
}

/** A message that is text alone. */
type TextMessage = InputMessage & { readonly content: string };

function toMessages(past: PastTurn): readonly TextMessage[] {
  const question: TextMessage = { role: 'user', content: toInputText(past.query, past.attachments) };
  return past.answer === '' ? [question] : [question, { role: 'assistant', content: past.answer }];
}

/**
 * The newest turns that fit into the window beside the prompt, none skipped in between.
 * `past` is newest first; `prompt` is everything else that is sent.
 */
export function fitHistory(
  past: readonly PastTurn[],
  prompt: readonly string[],
  window: { readonly contextWindow: number; readonly maxOutputTokens?: number | undefined },
): History {
  const reserved = Math.min(
    window.maxOutputTokens ?? RESERVED_FOR_ANSWER,
    Math.floor(window.contextWindow / 2),
  );
  const spent = prompt.reduce((sum, text) => sum + estimateTokens(text), reserved);
  let left = window.contextWindow - spent;
  const fitting: (readonly TextMessage[])[] = [];
  for (const turn of past) {
    const messages = toMessages(turn);
    left -= messages.reduce((sum, message) => sum + estimateTokens(message.content), 0);
    if (left < 0) break;
    fitting.push(messages);
  }
  return { messages: fitting.reverse().flat(), omitted: past.length - fitting.length };
}
