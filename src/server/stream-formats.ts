/** How a stream of results is written over HTTP: server-sent events, and Apollo's multipart subscriptions. */
import type { FormattedExecutionResult } from 'graphql';
import { EVENT_STREAM_TYPE, MULTIPART_TYPE, type StreamType } from './accept.ts';
import type { Transport } from './readers.ts';

export interface StreamFormat {
  readonly transport: Transport;
  readonly contentType: string;
  /** Sent with the headers, so that they leave at once. */
  readonly opening: string;
  /** Sent in silence; readers skip it. */
  readonly keepAlive: string;
  readonly closing: string;
  encode(result: FormattedExecutionResult): string;
}

/** Distinct connections mode: https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md */
const EVENT_STREAM: StreamFormat = {
  transport: 'sse',
  contentType: EVENT_STREAM_TYPE,
  opening: ':\n\n',
  keepAlive: ':\n\n',
  closing: 'event: complete\ndata:\n\n',
  encode: (result) => `event: next\ndata: ${JSON.stringify(result)}\n\n`,
};

const PART = '\r\ncontent-type: application/json\r\n\r\n';
const DELIMITER = '\r\n--graphql';

/**
 * https://www.apollographql.com/docs/graphos/routing/operations/subscriptions/multipart-protocol
 * Each delimiter follows its part at once: a reader takes a part for whole only when it sees the next delimiter.
 * JSON escapes line breaks, so no text can contain one.
 */
const MULTIPART: StreamFormat = {
  transport: 'multipart',
  contentType: `${MULTIPART_TYPE};boundary="graphql";subscriptionSpec=1.0`,
  opening: DELIMITER,
  keepAlive: `${PART}{}${DELIMITER}`,
  closing: '--\r\n',
  encode: (result) => `${PART}${JSON.stringify({ payload: result })}${DELIMITER}`,
};

export const STREAM_FORMATS: Readonly<Record<StreamType, StreamFormat>> = {
  [EVENT_STREAM_TYPE]: EVENT_STREAM,
  [MULTIPART_TYPE]: MULTIPART,
};
