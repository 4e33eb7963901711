/** How often something happens, by whose it is, on this node. What follows from that is decided elsewhere. */
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';

export interface RateSettings {
  readonly count: number;
  readonly seconds: number;
}

export interface Rate {
  /** Counts, and says when that was too much. Answers come in the order of the calls. */
  count(key: string, points?: number): Promise<Excess | undefined>;
}

export interface Excess {
  /** Milliseconds until the counting begins anew. */
  readonly retryAfterMs: number;
  /** What has been counted, as a multiple of what is allowed; above 1. */
  readonly times: number;
}

/** Time is cut into windows, for each key from its first call on; keys are forgotten with their window. */
export function createRate({ count, seconds }: RateSettings): Rate {
  const limiter = new RateLimiterMemory({ points: count, duration: seconds });
  return {
    count: (key, points = 1) => limiter.consume(key, points).then(() => undefined, toExcess(count)),
  };
}

const toExcess = (count: number) => (rejected: unknown) => {
  if (!(rejected instanceof RateLimiterRes)) throw rejected;
  const { msBeforeNext, consumedPoints } = rejected;
  return { retryAfterMs: Math.max(1, Math.ceil(msBeforeNext)), times: consumedPoints / count };
};
