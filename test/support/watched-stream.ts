/** A subscription of which a test sees how it ends: over WebSocket by a close code, over SSE and multipart by the last result. */
import type { TestApp } from './app.ts';
import type { Operation } from './clients.ts';
import { openRawSocket } from './raw-socket.ts';

export interface WatchedEvent {
  readonly __typename: string;
  readonly cursor: string;
  readonly turnId: string;
  readonly fromSeq: number;
  readonly seq: number;
}

export interface WatchedStream {
  /** Resolves as soon as that many events have come. */
  received(count: number): Promise<readonly WatchedEvent[]>;
  /** Resolves when the stream has ended: with `complete`, or the code of the close or the error. */
  readonly ended: Promise<string>;
  /** What has come. */
  readonly events: readonly WatchedEvent[];
}

export type Watch = (app: TestApp, operation: Operation, token: string) => Promise<WatchedStream>;

interface Result {
  readonly data?: Readonly<Record<string, WatchedEvent>> | null;
  readonly errors?: readonly { readonly extensions: { readonly code: string } }[];
}

function collect() {
  const events: WatchedEvent[] = [];
  const waiting = new Set<() => void>();
  return {
    events,
    take({ data }: Result): void {
      events.push(...Object.values(data ?? {}));
      for (const look of waiting) look();
    },
    received: (count: number) =>
      new Promise<readonly WatchedEvent[]>((resolve) => {
        const look = (): void => {
          if (events.length >= count) resolve(events.slice(0, count));
        };
        waiting.add(look);
        look();
      }),
  };
}

const overWebSocket: Watch = async (app, operation, token) => {
  const { events, take, received } = collect();
  const raw = await openRawSocket(app.ws);
  const { promise: completed, resolve } = Promise.withResolvers<string>();
  raw.socket.on('message', (text) => {
    const { type, payload } = JSON.parse(String(text));
    if (type === 'next') take(payload);
    if (type === 'complete') resolve('complete');
  });
  raw.send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
  await raw.receive(({ type }) => type === 'connection_ack');
  raw.send({ id: '1', type: 'subscribe', payload: operation });
  const ended = Promise.race([completed, raw.closed.then(({ code }) => String(code))]);
  completed.then(() => raw.socket.close());
  return { events, received, ended };
};

function overHttp(accept: string, toResults: (text: string) => readonly Result[]): Watch {
  return async (app, operation, token) => {
    const { events, take, received } = collect();
    const response = await fetch(app.graphql, {
      method: 'POST',
      headers: { accept, authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(operation),
    });
    const read = async (): Promise<string> => {
      let text = '';
      let seen = 0;
      for await (const chunk of response.body ?? []) {
        text += Buffer.from(chunk).toString();
        const results = toResults(text);
        for (const result of results.slice(seen)) take(result);
        seen = results.length;
      }
      return toResults(text).at(-1)?.errors?.[0]?.extensions.code ?? 'complete';
    };
    return { events, received, ended: read() };
  };
}

/** The whole lines or parts of a text that hold a result. */
const parseAll = (texts: readonly string[]): readonly Result[] => texts.map((text) => JSON.parse(text));

const overSse = overHttp('text/event-stream', (text) =>
  parseAll([...text.matchAll(/^data: (.+)\n\n/gm)].map(([, json = '']) => json)),
);

const overMultipart = overHttp('multipart/mixed;subscriptionSpec=1.0', (text) =>
  parseAll([...text.matchAll(/\r\n\r\n(\{.+\})\r\n--graphql/g)].map(([, json = '']) => json)).flatMap(
    (part) => (part as { readonly payload?: Result }).payload ?? [],
  ),
);

export const WATCHES: readonly (readonly [transport: string, watch: Watch])[] = [
  ['WebSocket', overWebSocket],
  ['SSE', overSse],
  ['multipart', overMultipart],
];
