/** Bytes of a `text/event-stream` made into upstream events. Knows framing and JSON, nothing of what the events mean. */
import { createParser } from 'eventsource-parser';
import type { AppError } from '../errors.ts';
import type { Log } from '../log.ts';
import { isJsonObject } from '../types/json.ts';
import type { UpstreamEvent } from './backend.ts';
import { type BackendIdentity, toProtocolError } from './errors.ts';
import { scrubEvent } from './secrets.ts';

/** Longest event, in UTF-16 units; whole images come in one. */
export const MAX_EVENT_SIZE = 16 * 1024 * 1024;

const TOO_LARGE = `It sent an event of more than ${MAX_EVENT_SIZE} characters.`;

export interface DecodedBatch {
  /** In order; those before the failure, if there is one. */
  readonly events: readonly UpstreamEvent[];
  /** BACKEND_PROTOCOL: the stream cannot be read any further. */
  readonly failure: AppError | undefined;
}

export interface EventDecoder {
  /** The events that these bytes complete. */
  decode(bytes: Uint8Array): DecodedBatch;
  /** The event that the end of the stream completes: not every server sends the last blank line. */
  finish(): DecodedBatch;
}

export function createEventDecoder(backend: BackendIdentity, log?: Log): EventDecoder {
  const decoder = new TextDecoder();
  let events: UpstreamEvent[] = [];
  let failure: AppError | undefined;

  const refuse = (explanation: string): void => {
    failure ??= toProtocolError(explanation);
  };
  const accept = (value: unknown): void => {
    if (isJsonObject(value)) events.push(scrubEvent(value, backend.secrets));
    else if (value === undefined) refuse('It sent an event that is not JSON.');
    else log?.debug({ provider: backend.id }, 'skipped an upstream event that is not an object');
  };
  const onData = (data: string): void => {
    if (failure !== undefined || data.trim() === '[DONE]') return;
    if (data.length > MAX_EVENT_SIZE) refuse(TOO_LARGE);
    else accept(parseJson(data));
  };
  const parser = createParser({
    maxBufferSize: MAX_EVENT_SIZE,
    onEvent: (message) => onData(message.data),
    onError: (error) => {
      if (error.type === 'max-buffer-size-exceeded') refuse(TOO_LARGE);
    },
  });

  const feed = (text: string): DecodedBatch => {
    events = [];
    if (failure === undefined) parser.feed(text);
    return { events, failure };
  };
  return {
    decode: (bytes) => feed(decoder.decode(bytes, { stream: true })),
    finish: () => feed(`${decoder.decode()}\n\n`),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
