/** A WebSocket of which a test writes and sees every message, and that can stop reading. */
import { type ClientOptions, WebSocket } from 'ws';

export interface RawSocket {
  readonly socket: WebSocket;
  /** Messages so far, parsed. */
  readonly messages: readonly Message[];
  /** Resolves with the close code and reason. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  send(message: unknown): void;
  /** Resolves with the first message that fits, also one that has come before. */
  receive(fits: (message: Message) => boolean): Promise<Message>;
}

export interface Message {
  readonly type: string;
  readonly id?: string;
  readonly payload?: unknown;
}

/** Resolves when the socket is open; rejects when the upgrade is refused. */
export async function openRawSocket(
  url: string,
  options: ClientOptions & { readonly protocols?: readonly string[] } = {},
): Promise<RawSocket> {
  const { protocols = ['graphql-transport-ws'], ...rest } = options;
  const socket = new WebSocket(url, [...protocols], { perMessageDeflate: false, ...rest });
  const messages: Message[] = [];
  const waiting = new Set<() => void>();
  socket.on('message', (text) => {
    messages.push(JSON.parse(String(text)));
    for (const look of waiting) look();
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.once('close', (code, reason) => resolve({ code, reason: String(reason) }));
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve).on('error', reject);
  });
  return {
    socket,
    messages,
    closed,
    send: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    receive: (fits) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = messages.find(fits);
          if (!found) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
        closed.then(({ code }) => reject(new Error(`closed with ${code} before the message came`)));
      }),
  };
}

/** The same, with the connection acknowledged. */
export async function openAcknowledged(url: string, payload?: unknown): Promise<RawSocket> {
  const raw = await openRawSocket(url);
  raw.send({ type: 'connection_init', payload });
  await raw.receive(({ type }) => type === 'connection_ack');
  return raw;
}

/** The HTTP status with which an upgrade is refused. */
export function refusedUpgrade(url: string, headers: Readonly<Record<string, string>> = {}): Promise<number> {
  const socket = new WebSocket(url, ['graphql-transport-ws'], { headers });
  return new Promise((resolve, reject) => {
    socket.once('unexpected-response', (request, response) => {
      request.destroy();
      resolve(response.statusCode ?? 0);
    });
    socket.once('open', () => reject(new Error('The upgrade was accepted')));
    socket.on('error', () => {});
  });
}
