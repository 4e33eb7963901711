/** Where the fault points of a stream are reached. */
import { expect, it } from 'vitest';
import type { Backend, UpstreamEvent } from '../../../src/backend/backend.ts';
import { withStreamFaults } from '../../../src/backend/faulty-backend.ts';
import type { FaultPoint } from '../../../src/faults.ts';

const BATCHES: readonly UpstreamEvent[][] = [
  [{ type: 'response.created' }],
  [{ type: 'response.output_text.delta', delta: 'Yes.' }],
  [{ type: 'response.completed' }],
];

/** The points that a reader passes who leaves after so many batches. */
async function pass(batches: number): Promise<readonly FaultPoint[]> {
  const passed: FaultPoint[] = [];
  const plain = {
    async *streamResponse() {
      yield* BATCHES;
    },
  } as unknown as Backend;
  const faulty = withStreamFaults(plain, { reach: async (point) => void passed.push(point) });
  let left = batches;
  for await (const _ of faulty.streamResponse({} as never, new AbortController().signal)) {
    left -= 1;
    if (left === 0) break;
  }
  return passed;
}

it.each([
  ['before and in the stream', 2, ['upstream:before', 'upstream:batch', 'upstream:batch']],
  ['after it, by a reader who leaves with the last event', 3, [...batches(3), 'upstream:after']],
  ['after it, by a reader who reads to the end', 4, [...batches(3), 'upstream:after']],
] as const)('points are reached %s', async (_name, count, points) => {
  expect(await pass(count)).toEqual(points);
});

function batches(count: number): readonly FaultPoint[] {
  return ['upstream:before', ...Array.from({ length: count }, () => 'upstream:batch' as const)];
}
