/** Counts what the load client receives, and what it was late by. No I/O. */
import { crc32 } from 'node:zlib';
import { toPercentile } from './percentile.ts';
import { readStamps } from './stamp.ts';

/** What came of all streams of one run; times in milliseconds. */
export interface LoadResult {
  readonly tokens: number;
  /** A checksum of each stream's text, sorted. */
  readonly checksums: readonly number[];
  /** From the upstream's write to the client's receipt of a token. */
  readonly latency: Spread;
  /** From the question to the first token. */
  readonly firstToken: Spread;
  /** From the first question to the end of the last stream. */
  readonly durationMs: number;
}

export interface Spread {
  readonly p50: number;
  readonly p99: number;
}

/** Where a follower puts what it reads of one stream. */
export interface Sink {
  /** Call when the question leaves. */
  ask(): void;
  receive(token: string): void;
  /** Of everything received so far. */
  readonly checksum: number;
  end(): void;
}

export interface Tally {
  openStream(): Sink;
  summarize(): LoadResult;
}

/** `now` gives microseconds of the clock that the stamps were made by. */
export function createTally(now: () => number): Tally {
  const latencies: number[] = [];
  const firstTokens: number[] = [];
  const checksums: number[] = [];
  const span = { from: Number.POSITIVE_INFINITY, to: 0 };

  return {
    openStream() {
      let askedAt = 0;
      let checksum = 0;
      let hasToken = false;
      return {
        ask() {
          askedAt = now();
          span.from = Math.min(span.from, askedAt);
        },
        receive(token) {
          if (token === '') return;
          const at = now();
          if (!hasToken) firstTokens.push((at - askedAt) / 1e3);
          hasToken = true;
          checksum = crc32(token, checksum);
          for (const writtenAt of readStamps(token)) latencies.push((at - writtenAt) / 1e3);
        },
        get checksum() {
          return checksum;
        },
        end() {
          checksums.push(checksum);
          span.to = Math.max(span.to, now());
        },
      };
    },
    summarize: () => ({
      tokens: latencies.length,
      checksums: checksums.toSorted((a, b) => a - b),
      latency: toSpread(latencies),
      firstToken: toSpread(firstTokens),
      durationMs: (span.to - span.from) / 1e3,
    }),
  };
}

function toSpread(values: readonly number[]): Spread {
  const sorted = Float64Array.from(values).sort();
  return { p50: toPercentile(sorted, 50), p99: toPercentile(sorted, 99) };
}
