/** When an answer is past its allowance: up to a quarter more is let through, and soon after that it is stopped. */
import { describe, expect, it } from 'vitest';
import { NO_ANSWER } from '../../../src/turns/answer-text.ts';
import { createOutputWatch } from '../../../src/turns/output-watch.ts';
import { startTranslation, type TranslateState } from '../../../src/turns/translate.ts';

/** Characters between two counts near the bound. */
const STEP = 64;

/** What has come: an answer, and what is known by its length only, such as reasoning. */
function toState(answerChars: number, hiddenChars = 0): TranslateState {
  const part = {
    outputIndex: 0,
    contentIndex: 0,
    text: 'x'.repeat(answerChars),
    separated: false,
    full: null,
  };
  return {
    ...startTranslation(),
    answer: { ...NO_ANSWER, parts: [part], current: 0 },
    receivedChars: answerChars + hiddenChars,
  };
}

/** A tokenizer for which every token has as many characters, and how often it was asked. */
function createCounter(charactersPerToken: number) {
  let counts = 0;
  return {
    count: (text: string): number => {
      counts += 1;
      return Math.ceil(text.length / charactersPerToken);
    },
    get counts() {
      return counts;
    },
  };
}

/** Characters after which the answer, that comes in such pieces, is found to be past its bound. */
function findStop(isPast: (state: TranslateState) => boolean, piece: number): number {
  let characters = piece;
  while (!isPast(toState(characters))) characters += piece;
  return characters;
}

const CASES = [256, 1_000, 8_192].flatMap((allowance) =>
  [0.5, 1, 4].flatMap((charactersPerToken) =>
    [1, 7, 500].map((piece) => ({ allowance, charactersPerToken, piece })),
  ),
);

describe('an answer', () => {
  it.each(CASES)(
    'of $allowance tokens may have a quarter more, and is stopped a step and a piece behind it: $charactersPerToken characters a token, $piece at once',
    ({ allowance, charactersPerToken, piece }) => {
      const bound = allowance * 1.25 * charactersPerToken;
      const stop = findStop(createOutputWatch(allowance, createCounter(charactersPerToken).count), piece);
      expect(stop).toBeGreaterThan(bound);
      expect(stop).toBeLessThanOrEqual(bound + STEP + piece);
    },
  );

  it('that is exactly a quarter past it goes on; one token more is too much', () => {
    const toWatch = () => createOutputWatch(1_000, createCounter(1).count);
    expect(toWatch()(toState(1_250))).toBe(false);
    expect(toWatch()(toState(1_251))).toBe(true);
  });

  it('counts with what is not shown of it', () => {
    const toWatch = () => createOutputWatch(1_000, createCounter(1).count);
    expect(toWatch()(toState(400, 850))).toBe(false);
    expect(toWatch()(toState(400, 851))).toBe(true);
  });

  it('is seldom counted far from the bound', () => {
    const counter = createCounter(4);
    findStop(createOutputWatch(8_192, counter.count), 16);
    expect(counter.counts).toBeGreaterThan(5);
    expect(counter.counts).toBeLessThan(60);
  });
});
