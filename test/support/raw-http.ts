/** A TCP connection on which a test writes HTTP by hand, and that can stop reading. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface RawHttp {
  readonly socket: Socket;
  /** What has been received. */
  text(): string;
  /** Resolves with everything received when the server has closed. */
  readonly ended: Promise<string>;
}

export async function openRawHttp(url: string, ...lines: readonly string[]): Promise<RawHttp> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let text = '';
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    text += chunk;
  });
  socket.on('error', () => {});
  const ended = new Promise<string>((resolve) => socket.once('close', () => resolve(text)));
  await once(socket, 'connect');
  socket.write(lines.join('\r\n'));
  return { socket, text: () => text, ended };
}

/** The lines of a POST that asks for an operation. */
export function toPost(query: string, accept = 'text/event-stream'): readonly string[] {
  const body = JSON.stringify({ query });
  return [
    'POST /graphql HTTP/1.1',
    'host: localhost',
    'content-type: application/json',
    `accept: ${accept}`,
    `content-length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ];
}

/** The lines of a request for a WebSocket of graphql-transport-ws. */
export const UPGRADE: readonly string[] = [
  'GET /graphql HTTP/1.1',
  'host: localhost',
  'connection: upgrade',
  'upgrade: websocket',
  'sec-websocket-version: 13',
  'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-protocol: graphql-transport-ws',
  '',
  '',
];
