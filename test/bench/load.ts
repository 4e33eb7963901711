/** The process that plays all clients: asks as many questions as it is told and measures what comes back. */
import { setTimeout as delay } from 'node:timers/promises';
import { createFollow, type FollowerKind } from './followers.ts';
import { type Scenario, START_STEP_MS } from './options.ts';
import { answer } from './rpc.ts';
import { nowMicros } from './stamp.ts';
import { createTally, type LoadResult } from './tally.ts';
import { USAGE_ANSWERS } from './usage.ts';

export interface LoadTask {
  readonly kind: FollowerKind;
  /** Root of the server. */
  readonly url: string;
  readonly scenario: Scenario;
  readonly timeoutMs: number;
}

/** The first failure ends all streams and is the run's. */
async function run({ kind, url, scenario, timeoutMs }: LoadTask): Promise<LoadResult> {
  const { streams, tokens, tokensPerSecond } = scenario;
  const question = JSON.stringify({ tokens, tokensPerSecond });
  const step = tokensPerSecond === null ? 0 : START_STEP_MS;
  const tally = createTally(nowMicros);
  const follow = createFollow(kind, url);
  const controller = new AbortController();
  const signal = AbortSignal.any([controller.signal, AbortSignal.timeout(timeoutMs)]);
  let open = streams;
  const start = async (index: number): Promise<void> => {
    await delay(index * step, undefined, { signal });
    await follow(question, tally.openStream(), signal);
    open -= 1;
  };
  try {
    await Promise.all(Array.from({ length: streams }, (_, index) => start(index)));
    return tally.summarize();
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new Error(`${open} of ${streams} streams had not ended after ${timeoutMs / 1e3} s`);
  } finally {
    controller.abort();
  }
}

answer({ ...USAGE_ANSWERS, run: (input) => run(input as LoadTask) });
