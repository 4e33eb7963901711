/** What a turn is charged: what the backend reported, where that can be true, else an estimate. Pure. */
import type { InputMessage, InputPart, ResponseRequest } from '../backend/backend.ts';
import type { CountTokens } from '../lib/count-tokens.ts';
import { NO_USAGE, type TurnUsage } from '../types/usage.ts';
import type { TurnSummary } from './translate.ts';

export interface UsageFacts {
  /** Tokens of everything that was sent, estimated; asked for only when it counts. */
  readonly estimateInput: () => number;
  /** Tokens that fit into one request of the model. */
  readonly contextWindow: number;
  readonly countTokens: CountTokens;
}

/** What an image is counted as: a large one at high detail. */
const TOKENS_PER_IMAGE = 1_105;
/** Of each message's framing. */
const TOKENS_PER_MESSAGE = 4;
/** Characters for each token of what is known only by its length: reasoning, the arguments of tools. */
const CHARACTERS_PER_TOKEN = 4;

/** NONE as long as the model has not begun. */
export function toChargedUsage(summary: TurnSummary, facts: UsageFacts): TurnUsage {
  const hasBegun = summary.sawResponseCreated || summary.receivedChars > 0;
  if (isCredible(summary, facts)) return summary.usage;
  if (!hasBegun && summary.usage.source === 'NONE') return NO_USAGE;
  return {
    inputTokens: facts.estimateInput(),
    outputTokens: estimateOutput(summary, facts.countTokens),
    source: 'ESTIMATED',
  };
}

/** Tokens that the model is going to read. What the backend adds itself, its own history and what tools bring, is not known here. */
export function estimateInput(
  { instructions, input }: Pick<ResponseRequest, 'instructions' | 'input'>,
  countTokens: CountTokens,
): number {
  const ofPart = (part: InputPart): number =>
    part.type === 'text' ? countTokens(part.text) : TOKENS_PER_IMAGE;
  const ofMessage = ({ content }: InputMessage): number =>
    typeof content === 'string' ? countTokens(content) : content.reduce((sum, part) => sum + ofPart(part), 0);
  return input.reduce(
    (sum, message) => sum + ofMessage(message) + TOKENS_PER_MESSAGE,
    countTokens(instructions) + TOKENS_PER_MESSAGE,
  );
}

/** Tokens that the model wrote. What is not part of the answer is taken to be as dense as the answer. */
export function estimateOutput(
  { answer, receivedChars }: Pick<TurnSummary, 'answer' | 'receivedChars'>,
  countTokens: CountTokens,
): number {
  const tokens = countTokens(answer);
  const hidden = Math.max(0, receivedChars - answer.length);
  const density = answer.length === 0 ? 1 / CHARACTERS_PER_TOKEN : tokens / answer.length;
  return tokens + Math.ceil(hidden * density);
}

/** A report of nothing for an answer, or of more than the model can read or write in all of its rounds, is none. */
function isCredible(
  { usage, receivedChars, toolResults }: TurnSummary,
  { contextWindow }: UsageFacts,
): boolean {
  if (usage.source !== 'REPORTED') return false;
  const { inputTokens, outputTokens } = usage;
  if (inputTokens + outputTokens === 0) return receivedChars === 0;
  const rounds = toolResults.reduce((last, { round }) => Math.max(last, round), 0) + 1;
  return Math.max(inputTokens, outputTokens) <= contextWindow * rounds;
}
