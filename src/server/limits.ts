/** How many operations and streams one viewer may have here, and how often. WebSockets stand in socket-places.ts, documents in document-limits.ts. */
import type { Config } from '../config/config.ts';
import { AppError } from '../errors.ts';
import type { LimitMetrics } from '../metrics.ts';
import type { Viewer } from '../types/viewer.ts';
import { createRate, type Excess, type RateSettings } from './rate.ts';
import { createSlots } from './slots.ts';

export interface ViewerLimits {
  /** Counts an operation, before its text is looked at. Throws RATE_LIMITED. */
  admit(viewer: Viewer): Promise<void>;
  /** Takes a place for a stream until the signal is aborted. Throws TOO_MANY_STREAMS. */
  openStream(viewer: Viewer, signal: AbortSignal): void;
}

export interface ViewerLimitsDeps {
  readonly config: Pick<Config, 'limits'>;
  readonly metrics: LimitMetrics;
}

/** By then one of those that are open may have ended. */
export const RETRY_MS = 1_000;

export function createViewerLimits({ config: { limits }, metrics }: ViewerLimitsDeps): ViewerLimits {
  const operations = createRate(limits.operationRate);
  const streams = createSlots(limits.streamsPerViewer);
  return {
    async admit({ id }) {
      const excess = await operations.count(id);
      if (!excess) return;
      metrics.limitReached('operationRate');
      throw tooOften('Too many operations', excess, limits.operationRate);
    },
    openStream({ id }, signal) {
      if (signal.aborted) return;
      const slot = streams.take(id);
      if (!slot) {
        metrics.limitReached('streamsPerViewer');
        throw tooMany('streams', limits.streamsPerViewer);
      }
      signal.addEventListener('abort', () => slot[Symbol.dispose](), { once: true });
    },
  };
}

export function tooOften(
  message: string,
  { retryAfterMs }: Excess,
  { count, seconds }: RateSettings,
): AppError {
  const explanation = `At most ${count} in ${seconds} s`;
  return new AppError('RATE_LIMITED', message, { details: { explanation, retryAfterMs } });
}

/** Of one viewer. */
export function tooMany(what: 'streams' | 'WebSockets', limit: number): AppError {
  return new AppError('TOO_MANY_STREAMS', `Too many ${what} of yours are open`, {
    details: { explanation: `At most ${limit} at once; close one first`, retryAfterMs: RETRY_MS },
  });
}
