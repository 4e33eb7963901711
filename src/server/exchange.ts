/** One request on its way through the server: what all transports share, and how an HTTP request wants its answer. */
import type { Credentials } from '../auth/credentials.ts';
import type { Session } from '../auth/session.ts';
import type { Viewer } from '../types/viewer.ts';
import type { SingleType, StreamType } from './accept.ts';
import type { ResultStream } from './send-stream.ts';

export interface Exchange {
  readonly requestId: string;
  /** The graphql-ws operation id, when it is a UUID. */
  readonly operationId: string | null;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /**
   * Who asks, when they may ask now; counted once. Throws UNAUTHENTICATED, TOKEN_EXPIRED, AUTH_UNAVAILABLE or RATE_LIMITED,
   * and on a WebSocket TOO_MANY_SUBSCRIPTIONS.
   */
  admit(): Promise<Viewer>;
  /** What the client showed. */
  readonly credentials: Credentials;
  /** See `Session`. Absent where a request brings its own token. */
  readonly refreshToken?: Session['refresh'];
  /** Absent on a WebSocket. */
  readonly answer?: HttpAnswer;
}

/** Filled in while the request is processed. */
export interface HttpAnswer {
  readonly method: string;
  readonly accept: string | null;
  /** Chosen when the operation is known, before it is executed. */
  mediaType?: SingleType | StreamType | undefined;
  /** Known at the same time. */
  isSubscription?: boolean;
  /** The body, when it is a stream. */
  stream?: ResultStream | undefined;
}

/** What Yoga carries through its hooks for us. */
export interface ExchangeContext {
  readonly exchange: Exchange;
}

/** One request is asked for once, and has one answer. */
export function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined;
  return () => {
    answer ??= ask();
    return answer;
  };
}
