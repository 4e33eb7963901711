/** Token counts as backends report them. Estimating what was not reported is not done here. */
import type { JsonObject } from '../types/json.ts';
import { NO_USAGE, type TurnUsage } from '../types/usage.ts';
import { findNumber, findObject } from './fields.ts';

/** More tokens than any model takes or gives in one turn; a larger report is a mistake. */
const MAX_TOKENS = 1_000_000_000;

/**
 * The usage of a response object, under its Responses API names or those of chat completions.
 * With a count that is missing, negative, fractional or absurd the usage is NONE: half of it would be free.
 */
export function toUsage(response: JsonObject | undefined): TurnUsage {
  const usage = findObject(response, 'usage');
  const inputTokens = findCount(usage, 'input_tokens') ?? findCount(usage, 'prompt_tokens');
  const outputTokens = findCount(usage, 'output_tokens') ?? findCount(usage, 'completion_tokens');
  if (inputTokens === undefined || outputTokens === undefined) return NO_USAGE;
  return { inputTokens, outputTokens, source: 'REPORTED' };
}

function findCount(usage: JsonObject | undefined, key: string): number | undefined {
  const count = findNumber(usage, key);
  const usable = count !== undefined && Number.isInteger(count) && count >= 0 && count <= MAX_TOKENS;
  return usable ? count : undefined;
}
