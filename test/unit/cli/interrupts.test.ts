import { expect, it } from 'vitest';
import { createEchoFilter } from '../../../src/cli/interrupts.ts';

it('Ctrl+C that npm passes on is the one from the terminal; half a second later it is another', () => {
  const times = [1_000, 1_020, 1_499, 1_500, 1_510, 3_000];
  const clock = { now: 0 };
  const isEcho = createEchoFilter(() => clock.now);
  const echoes = times.filter((time) => {
    clock.now = time;
    return isEcho();
  });
  expect(echoes).toEqual([1_020, 1_499, 1_510]);
});
