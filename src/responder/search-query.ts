/** What to search for: the question, or the question together with the one before it when it says too little alone. */

const LONG_WORD = /[\p{L}\p{M}\p{N}_]{4,}/gu;
/** A question with fewer different long words than this is read as a follow-up. */
const ENOUGH_WORDS = 2;

/** `userMessages` is not empty; the last one is the question and comes first in the query. */
export function toSearchQuery(userMessages: readonly string[]): string {
  const question = userMessages.at(-1) ?? '';
  const previous = userMessages.at(-2);
  const words = new Set(question.toLowerCase().match(LONG_WORD));
  if (previous === undefined || words.size >= ENOUGH_WORDS) return question;
  return `${question}\n${previous}`;
}
