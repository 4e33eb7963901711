/** How a whole answer leaves by an HTTP response or an upgrade that is refused. What is answered is decided elsewhere. */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { ERROR_CODES } from '../errors.ts';
import type { WireError } from './results.ts';
import type { WholeAnswer } from './use-answers.ts';

/** How long a client that is still sending a refused body may take to read the refusal. */
const LINGER_MS = 1_000;

export function send(res: ServerResponse, { status, headers, body }: WholeAnswer): void {
  res.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  res.end(body);
}

/** Closing while the client still sends would reset the connection under the answer; so the rest is read and dropped. */
export function sendEarly(
  req: IncomingMessage,
  res: ServerResponse,
  { status, headers, body }: WholeAnswer,
): void {
  res.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body), connection: 'close' });
  res.write(body);
  const end = (): void => {
    clearTimeout(linger);
    res.end();
  };
  const linger = setTimeout(end, LINGER_MS);
  req.once('end', end).once('close', end).resume();
}

/** Closes both ways: nobody reads this socket any more, nor would notice that its client has left. */
export function refuseUpgrade(socket: Duplex, error: WireError): void {
  const { code, requestId, retryAfterMs } = error.extensions;
  const { status } = ERROR_CODES[code];
  const body = JSON.stringify({ errors: [error] });
  socket.once('finish', () => socket.destroy());
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'connection: close',
      'content-type: application/json; charset=utf-8',
      `content-length: ${Buffer.byteLength(body)}`,
      `x-request-id: ${requestId}`,
      ...(retryAfterMs === undefined ? [] : [`retry-after: ${Math.ceil(retryAfterMs / 1000)}`]),
      '',
      body,
    ].join('\r\n'),
  );
}

/**
 * As it was sent, without the query: whoever stands in front and allows paths has read the same. Made into a URL,
 * `//host/metrics` and `/public/../metrics` would be `/metrics`.
 */
export function pathOf(req: IncomingMessage): string {
  const { url = '/' } = req;
  if (!url.startsWith('/') && URL.canParse(url)) return new URL(url).pathname;
  return url.split('?', 1)[0] ?? url;
}
