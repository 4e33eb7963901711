/** How much of a conversation goes along with a question. */
import { describe, expect, it } from 'vitest';
import { estimateTokens, fitHistory } from '../../../src/turns/history.ts';
import type { PastTurn } from '../../../src/turns/past-store.ts';

const toPast = (query: string, answer: string): PastTurn => ({ query, answer, attachments: [] });
/** Newest first. */
const PAST = [
  toPast('Third?', 'Yes, third.'),
  toPast('Second?', 'Yes, second.'),
  toPast('First?', 'Yes, first.'),
];
const PROMPT = ['Be brief.', 'Fourth?'];
const sum = (texts: readonly string[]): number =>
  texts.reduce((total, text) => total + estimateTokens(text), 0);
const costOf = (turns: readonly PastTurn[]): number =>
  sum(turns.flatMap(({ query, answer }) => [query, answer]));
const ALLOWANCE = 10;
/** A window that has exactly room for the given tokens beside the prompt and the allowance. */
const windowFor = (tokens: number) => ({
  contextWindow: sum(PROMPT) + ALLOWANCE + tokens,
  maxOutputTokens: ALLOWANCE,
});

describe('the history', () => {
  it('is everything that was said, oldest first, where it fits', () => {
    expect(fitHistory(PAST, PROMPT, windowFor(costOf(PAST)))).toEqual({
      messages: [
        { role: 'user', content: 'First?' },
        { role: 'assistant', content: 'Yes, first.' },
        { role: 'user', content: 'Second?' },
        { role: 'assistant', content: 'Yes, second.' },
        { role: 'user', content: 'Third?' },
        { role: 'assistant', content: 'Yes, third.' },
      ],
      omitted: 0,
    });
  });

  it('is the newest turns that fit beside prompt and allowance, to the token', () => {
    const enough = costOf(PAST.slice(0, 2));
    const questions = (tokens: number) =>
      fitHistory(PAST, PROMPT, windowFor(tokens)).messages.flatMap(({ role, content }) =>
        role === 'user' ? [content] : [],
      );
    expect(questions(enough)).toEqual(['Second?', 'Third?']);
    expect(questions(enough - 1)).toEqual(['Third?']);
  });

  it('skips no turn in between for an older one that would fit', () => {
    const past = [toPast('New?', 'Yes.'), toPast('Long?', 'x'.repeat(3_000)), toPast('Old?', 'Yes.')];
    expect(fitHistory(past, PROMPT, windowFor(100))).toEqual({
      messages: [
        { role: 'user', content: 'New?' },
        { role: 'assistant', content: 'Yes.' },
      ],
      omitted: 2,
    });
  });

  it('is nothing, and no message of the assistant is half a turn, where the question fills the window', () => {
    expect(fitHistory(PAST, ['x'.repeat(4_000)], { contextWindow: 100 })).toEqual({
      messages: [],
      omitted: 3,
    });
  });

  it('has a question without an answer as the question alone', () => {
    expect(fitHistory([toPast('Why?', '')], PROMPT, windowFor(1_000)).messages).toEqual([
      { role: 'user', content: 'Why?' },
    ]);
  });

  it('leaves at most half of a small window to the answer', () => {
    const contextWindow = 2 * (sum(PROMPT) + costOf(PAST));
    expect(fitHistory(PAST, PROMPT, { contextWindow }).omitted).toBe(0);
  });
});
