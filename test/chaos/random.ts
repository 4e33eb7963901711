/** Chance that a seed repeats: the same seed draws the same numbers, on every machine. */

export interface Random {
  /** From 0, below 1. */
  next(): number;
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number;
  /** Throws a RangeError when there is nothing to choose from. */
  pick<T>(choices: readonly T[]): T;
  /** A source of its own for one purpose: what others draw does not change what it gives. */
  fork(purpose: string): Random;
}

/** Mulberry32, by Tommy Ettinger: 32 bits of state, no pattern that would matter for choosing what to break. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1));
  return {
    next,
    between,
    pick(choices) {
      const [choice] = choices.slice(between(0, choices.length - 1));
      if (choice === undefined) throw new RangeError('there is nothing to choose from');
      return choice;
    },
    fork: (purpose) => createRandom(seed ^ hash(purpose)),
  };
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const character of text) value = Math.imul(value ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return value >>> 0;
}
