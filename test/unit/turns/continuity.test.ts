/** How long the database was in reach without a break: by its clock alone, and anew after every gap. */
import { expect, it } from 'vitest';
import { createContinuity } from '../../../src/turns/continuity.ts';

const GAP = 1_000;

it('counts from the first answer on', () => {
  const continuity = createContinuity(GAP);
  expect([5_000, 5_900, 6_900].map(continuity.reached)).toEqual([0, 900, 1_900]);
});

it('begins anew after a gap in which the node may have slept', () => {
  const continuity = createContinuity(GAP);
  expect([5_000, 6_000, 7_001, 7_500].map(continuity.reached)).toEqual([0, 1_000, 0, 499]);
});

it('begins anew after a failure, however short', () => {
  const continuity = createContinuity(GAP);
  continuity.reached(5_000);
  continuity.reached(5_500);
  continuity.broken();
  expect([5_501, 5_600].map(continuity.reached)).toEqual([0, 99]);
});

it('begins anew when the clock of the database steps back, and bears answers out of order', () => {
  const continuity = createContinuity(GAP);
  expect([5_000, 5_900, 5_899, 6_800].map(continuity.reached)).toEqual([0, 900, 899, 1_800]);
  expect([1_000, 1_700].map(continuity.reached)).toEqual([0, 700]);
});
