/** What the load client asks of Millrace, and its check of the answer: no gap, no repetition, no other end than the good one. */
import { crc32 } from 'node:zlib';
import type { Sink } from './tally.ts';

/** What a front end selects that shows the answer and can resume. */
export const SUBSCRIPTION = `subscription Ask($input: StreamingQueryInput!) {
  streamingQuery(input: $input) {
    __typename
    ... on TurnEvent { cursor fromSeq seq }
    ... on TokenEvent { token }
    ... on TurnCompleteEvent { answer }
    ... on EndEvent { finishReason }
    ... on ErrorEvent { code message }
    ... on InterruptedEvent { reason }
  }
}`;

interface StreamEvent {
  readonly __typename: string;
  readonly fromSeq: number;
  readonly seq: number;
  readonly token?: string;
  readonly answer?: string;
}

export interface SubscriptionResult {
  readonly data?: { readonly streamingQuery: StreamEvent } | null;
  readonly errors?: readonly { readonly message: string }[];
}

export interface TurnReader {
  /** Throws when the result is an error, out of order, or an end that is not EndEvent. */
  read(result: SubscriptionResult): void;
  /** Call when the server has completed the operation. Throws when the turn has not ended. */
  complete(): void;
}

export function createTurnReader(sink: Sink): TurnReader {
  let lastSeq = 0;
  let ended = false;
  return {
    read(result) {
      const event = result.data?.streamingQuery;
      if (event === undefined) throw new Error(`refused: ${result.errors?.[0]?.message}`);
      if (event.fromSeq !== lastSeq + 1) {
        throw new Error(`event ${event.fromSeq} came after event ${lastSeq}`);
      }
      lastSeq = event.seq;
      if (event.token !== undefined) sink.receive(event.token);
      if (event.answer !== undefined && crc32(event.answer) !== sink.checksum) {
        throw new Error('the answer is not its tokens joined');
      }
      if (event.__typename === 'ErrorEvent' || event.__typename === 'InterruptedEvent') {
        throw new Error(`a turn ended with ${JSON.stringify(event)}`);
      }
      ended = event.__typename === 'EndEvent';
    },
    complete() {
      if (!ended) throw new Error(`a stream ended after event ${lastSeq} without EndEvent`);
      sink.end();
    },
  };
}
