/** A reader on each transport that can stop reading at TCP level, and tells what it has read whole when its connection ended. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { openAcknowledged } from './raw-socket.ts';

/** A selection that is small beside the tokens, and all that resuming needs. */
export const FOLLOWED_FIELDS = `__typename
  ... on TurnEvent { cursor turnId fromSeq seq }
  ... on TokenEvent { token }
  ... on TurnCompleteEvent { answer }`;

export interface ReadEvent {
  readonly __typename: string;
  readonly cursor: string;
  readonly turnId: string;
  readonly fromSeq: number;
  readonly seq: number;
  readonly token?: string;
  readonly answer?: string;
}

export interface PausedReader {
  pause(): void;
  /** Reads on; resolves with everything that was read when the server has ended the connection. */
  readToEnd(): Promise<{ readonly events: readonly ReadEvent[]; readonly closeCode: number | null }>;
}

export interface ReaderOperation {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** Resolves when the first event has come. */
export type OpenReader = (url: string, operation: ReaderOperation) => Promise<PausedReader>;

interface Payload {
  readonly data?: Readonly<Record<string, ReadEvent>>;
}

function toEvents(payloads: readonly Payload[]): readonly ReadEvent[] {
  return payloads.flatMap(({ data }) => Object.values(data ?? {}));
}

const openWebSocket: OpenReader = async (url, payload) => {
  const raw = await openAcknowledged(`${url.replace('http', 'ws')}/graphql`);
  raw.send({ id: '1', type: 'subscribe', payload });
  await raw.receive(({ type }) => type === 'next');
  return {
    pause: () => raw.socket.pause(),
    async readToEnd() {
      raw.socket.resume();
      // After its end an operation leaves the socket open.
      raw
        .receive(({ type }) => type === 'complete')
        .then(
          () => raw.socket.close(),
          () => undefined,
        );
      const { code } = await raw.closed;
      const nexts = raw.messages.filter(({ type }) => type === 'next');
      return { events: toEvents(nexts.map((message) => message.payload as Payload)), closeCode: code };
    },
  };
};

function openStream(accept: string, findPayloads: (text: string) => readonly Payload[]): OpenReader {
  return async (url, operation) => {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    const chunks: Buffer[] = [];
    socket.on('error', () => {});
    const ended = once(socket, 'close');
    const body = JSON.stringify(operation);
    const headers = `host: localhost\r\ncontent-type: application/json\r\naccept: ${accept}`;
    // Of HTTP/1.0, whose answers come in no chunks.
    socket.write(
      `POST /graphql HTTP/1.0\r\n${headers}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
    const text = (): string => Buffer.concat(chunks).toString();
    await new Promise<void>((resolve) => {
      socket.on('data', (chunk) => {
        chunks.push(chunk);
        if (chunks.length < 10 && findPayloads(text()).length > 0) resolve();
      });
    });
    return {
      pause: () => void socket.pause(),
      async readToEnd() {
        socket.resume();
        await ended;
        return { events: toEvents(findPayloads(text())), closeCode: null };
      },
    };
  };
}

const parse = (text: string): Payload => JSON.parse(text) as Payload;

/** The frames that are whole: what was cut in the middle of one was not read. */
const findEventStreamPayloads = (text: string): readonly Payload[] =>
  [...text.matchAll(/^event: next\ndata: (.*)\n\n/gm)].map(([, json = '']) => parse(json));

const findMultipartPayloads = (text: string): readonly Payload[] =>
  [...text.matchAll(/\r\n\r\n(\{"payload":.*\})(?=\r\n--graphql)/g)].map(([, json = '']) => {
    const { payload } = JSON.parse(json) as { readonly payload: Payload };
    return payload;
  });

export const PAUSED_READERS: readonly { readonly name: string; readonly open: OpenReader }[] = [
  { name: 'websocket', open: openWebSocket },
  { name: 'sse', open: openStream('text/event-stream', findEventStreamPayloads) },
  {
    name: 'multipart',
    open: openStream('multipart/mixed;subscriptionSpec=1.0', findMultipartPayloads),
  },
];
