/** How soon an attack must be answered. */
import { performance } from 'node:perf_hooks';
import { expect } from 'vitest';

const MAX_MS = 200;
/** The machine may have been busy with others once, or twice. */
const TRIES = 3;

/** The first answer; one of the first few must have come soon. What is sent must be harmless to send again. */
export async function answeredSoon<Answer>(send: () => Promise<Answer>): Promise<Answer> {
  const [answer, took] = await time(send);
  let best = took;
  for (let tries = 1; tries < TRIES && best >= MAX_MS; tries += 1) {
    const [, again] = await time(send);
    best = Math.min(best, again);
  }
  expect(best, 'milliseconds to the answer').toBeLessThan(MAX_MS);
  return answer;
}

async function time<Answer>(send: () => Promise<Answer>): Promise<readonly [Answer, number]> {
  const start = performance.now();
  const answer = await send();
  return [answer, performance.now() - start];
}
