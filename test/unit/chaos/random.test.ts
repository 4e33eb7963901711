import { describe, expect, it } from 'vitest';
import { createRandom } from '../../chaos/random.ts';

const draw = (seed: number, purpose?: string): readonly number[] => {
  const random = purpose === undefined ? createRandom(seed) : createRandom(seed).fork(purpose);
  return Array.from({ length: 50 }, () => random.between(1, 1_000));
};

describe('chance', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  it('is one of its own for each purpose', () => {
    expect(draw(7, 'kills')).toEqual(draw(7, 'kills'));
    expect(draw(7, 'kills')).not.toEqual(draw(7, 'clients'));
    expect(draw(7, 'kills')).not.toEqual(draw(8, 'kills'));
  });

  it('keeps its bounds, reaches both of them, and chooses from all', () => {
    const random = createRandom(1);
    const drawn = Array.from({ length: 1_000 }, () => random.between(3, 6));
    expect([...new Set(drawn)].sort()).toEqual([3, 4, 5, 6]);
    expect(new Set(Array.from({ length: 100 }, () => random.pick(['a', 'b'])))).toEqual(new Set(['a', 'b']));
    expect(() => random.pick([])).toThrow(RangeError);
  });
});
