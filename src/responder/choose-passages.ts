/** Which of the passages that were found are worth quoting. Pure. */
import type { FoundPassage } from '../types/document.ts';

const MAX_QUOTED = 4;
/** Passages that match less than half as well as the best one are not worth reading. */
const MIN_SHARE_OF_BEST = 0.5;

/** The words in order, without case, punctuation and markup. */
function toWords(text: string): string {
  return (text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).join(' ');
}

/** Whether the passage stands under a heading that is the very question. */
function answersDirectly({ heading }: FoundPassage, question: string): boolean {
  return (heading ?? '').split(' › ').some((part) => question !== '' && toWords(part) === question);
}

/** `found` is sorted, best first. Passages under the question as their heading stand alone; else the best ones, at most four. */
export function choosePassages(found: readonly FoundPassage[], question: string): readonly FoundPassage[] {
  const words = toWords(question);
  const direct = found.filter((passage) => answersDirectly(passage, words));
  if (direct.length > 0) return direct.slice(0, MAX_QUOTED);
  const least = (found[0]?.score ?? 0) * MIN_SHARE_OF_BEST;
  return found.filter(({ score }) => score >= least).slice(0, MAX_QUOTED);
}
