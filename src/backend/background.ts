/** Responses that a backend makes in the background: read on when their connection breaks off. How one is read is told in responses.ts. */
import { delay } from '../lib/abort.ts';
import type { Log } from '../log.ts';
import { isJsonObject } from '../types/json.ts';
import { ask, type Connection, isLacking } from './ask.ts';
import type { UpstreamEvent } from './backend.ts';
import { findStatus } from './errors.ts';
import { isLast } from './last-event.ts';

/** Where a reader stands in a response. */
export interface Place {
  readonly responseId: string;
  /** `sequence_number` of the last event. */
  readonly after: number;
}

export interface BackgroundReading {
  /** Reads one connection: the first one, or the one that goes on behind a place. */
  read(place: Place | undefined): AsyncIterable<readonly UpstreamEvent[]>;
  /** Aborted when nobody reads any more, or a deadline has passed. */
  readonly signal: AbortSignal;
}

/** Connections in a row that bring nothing new before the response counts as broken off. */
const ATTEMPTS = 5;
const FIRST_PAUSE_MS = 250;

/** The response of one request, as far as it has been read. */
export interface BackgroundResponse {
  /**
   * The events in order, each once, however often the connection breaks off in between. Ends as the last connection does;
   * throws what the first of a row of failures has thrown, when no attempt in the row brings anything new.
   */
  readAll(): AsyncGenerator<readonly UpstreamEvent[], void, undefined>;
  /** Ends the response at the backend, unless it has ended, and lets it be forgotten there. Never rejects. */
  discard(): Promise<void>;
}

type DiscardDeps = Connection & {
  readonly log?: Log | undefined;
  /** The backend is to keep the response, as part of a conversation of its own. */
  readonly keeps: boolean;
};

/** https://platform.openai.com/docs/guides/background */
export function createBackgroundResponse(deps: DiscardDeps, reading: BackgroundReading): BackgroundResponse {
  const progress = createProgress();
  return {
    readAll: () => readAll(reading, progress),
    discard: () => discard(deps, progress),
  };
}

/** What is known of a response by its events. */
interface Progress {
  readonly responseId: string | undefined;
  readonly after: number;
  readonly hasEnded: boolean;
  /** What of a batch is new: a backend that begins anew instead of going on sends what is known already. */
  take(batch: readonly UpstreamEvent[]): readonly UpstreamEvent[];
}

function createProgress(): Progress {
  let responseId: string | undefined;
  let after = -1;
  let hasEnded = false;
  return {
    get responseId() {
      return responseId;
    },
    get after() {
      return after;
    },
    get hasEnded() {
      return hasEnded;
    },
    take(batch) {
      const known = after;
      const fresh = batch.filter(
        ({ sequence_number: number }) => typeof number !== 'number' || number > known,
      );
      for (const event of fresh) {
        responseId ??= toResponseId(event);
        after = typeof event.sequence_number === 'number' ? event.sequence_number : after;
        hasEnded ||= isLast(event);
      }
      return fresh;
    },
  };
}

/** Undefined where there is nothing to go on with. */
function toPlace({ responseId, after, hasEnded }: Progress): Place | undefined {
  return hasEnded || responseId === undefined || after < 0 ? undefined : { responseId, after };
}

async function* readAll(
  reading: BackgroundReading,
  progress: Progress,
): AsyncGenerator<readonly UpstreamEvent[], void, undefined> {
  let failure: unknown;
  for (let vain = 0; vain < ATTEMPTS; vain += 1) {
    const before = progress.after;
    const error = yield* readOnce(reading, progress);
    const isNew = progress.after > before;
    failure = isNew ? error : (failure ?? error);
    if (!toPlace(progress) || reading.signal.aborted || isForgotten(error)) break;
    if (isNew) vain = 0;
    await delay(FIRST_PAUSE_MS * 2 ** vain, reading.signal);
  }
  if (failure !== undefined) throw failure;
}

/** Resolves with what the connection has failed with; undefined when it ended cleanly, complete or not. */
async function* readOnce(
  reading: BackgroundReading,
  progress: Progress,
): AsyncGenerator<readonly UpstreamEvent[], unknown, undefined> {
  try {
    for await (const batch of reading.read(toPlace(progress))) {
      const fresh = progress.take(batch);
      if (fresh.length > 0) yield fresh;
    }
    return undefined;
  } catch (error) {
    return error;
  }
}

async function discard(deps: DiscardDeps, { responseId, hasEnded }: Progress): Promise<void> {
  if (responseId === undefined) return;
  const path = `/responses/${encodeURIComponent(responseId)}`;
  try {
    if (!hasEnded) await ask(deps, { method: 'post', path: `${path}/cancel`, body: {} });
    if (!deps.keeps) await ask(deps, { method: 'delete', path });
  } catch (error) {
    // A backend that knows nothing of it has nothing to forget.
    if (isLacking(error)) return;
    deps.log?.warn({ err: error, responseId }, 'a response could not be discarded at its backend');
  }
}

function toResponseId({ response }: UpstreamEvent): string | undefined {
  return isJsonObject(response) && typeof response.id === 'string' ? response.id : undefined;
}

/** The backend says that it knows no such response, or cannot go on with it: asking again brings nothing else. */
function isForgotten(error: unknown): boolean {
  const status = findStatus(error);
  return status !== undefined && status >= 400 && status < 500 && status !== 408 && status !== 429;
}
