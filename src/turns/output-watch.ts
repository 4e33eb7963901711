/** Sees when a backend writes more than a turn's quota allows, without counting tokens for every piece of text. */
import type { CountTokens } from '../lib/count-tokens.ts';
import { toStreamedAnswer } from './answer-text.ts';
import { estimateOutput } from './charged-usage.ts';
import type { TranslateState } from './translate.ts';

/** Whether what was written so far is past the bound. Costs a comparison, but near the bound. */
export type IsPastBound = (state: TranslateState) => boolean;

/** Above the allowance by this much: a backend that keeps to it counts by a tokenizer of its own. */
const SLACK = 1.25;
/** No text has fewer characters per token, for long. */
const LEAST_CHARACTERS_PER_TOKEN = 0.5;
/** Characters between two counts at least: it is one batch of a fast model. */
const STEP = 64;

/** For one turn. The tokens are counted as when the turn is charged without a report. */
export function createOutputWatch(allowance: number, countTokens: CountTokens): IsPastBound {
  const bound = allowance * SLACK;
  const toDistance = (tokens: number): number => Math.max(STEP, tokens * LEAST_CHARACTERS_PER_TOKEN);
  let nextLook = toDistance(bound);
  return (state) => {
    if (state.receivedChars < nextLook) return false;
    const answer = toStreamedAnswer(state.answer);
    const tokens = estimateOutput({ answer, receivedChars: state.receivedChars }, countTokens);
    nextLook = state.receivedChars + toDistance(bound - tokens);
    return tokens > bound;
  };
}
