/** The process that plays the model: a Responses API server whose answers are made of time stamps, and which remembers what it sent. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { crc32 } from 'node:zlib';
import { listen } from './listen.ts';
import type { Plan } from './options.ts';
import { answer } from './rpc.ts';
import { nowMicros, STAMP_WIDTH, toStamp } from './stamp.ts';
import { toClosing, toDelta, toOpening } from './upstream-events.ts';
import { USAGE_ANSWERS } from './usage.ts';

/** What was sent since the last report. */
export interface SentReport {
  readonly tokens: number;
  /** A checksum of each whole answer, sorted. */
  readonly checksums: readonly number[];
}

interface ResponsesBody {
  readonly input: readonly { readonly content: string }[];
}

let sent: { tokens: number; checksums: number[] } = { tokens: 0, checksums: [] };

function takeReport(): SentReport {
  const { tokens, checksums } = sent;
  sent = { tokens: 0, checksums: [] };
  return { tokens, checksums: checksums.sort((a, b) => a - b) };
}

async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method === 'GET') {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ object: 'list', data: [{ id: 'bench', object: 'model' }] }));
    return;
  }
  const { input } = (await json(request)) as ResponsesBody;
  response.socket?.setNoDelay();
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  play(JSON.parse(input.at(-1)?.content ?? '') as Plan, response);
}

/** Writes tokens when they are due and as long as the reader takes them. A token is stamped when it is written. */
function play({ tokens, tokensPerSecond, padding = 0 }: Plan, response: ServerResponse): void {
  const startedAt = nowMicros();
  const pauseMicros = tokensPerSecond === null ? 0 : 1e6 / tokensPerSecond;
  const stamps: string[] = [];

  const write = (): boolean => {
    const stamp = toStamp(nowMicros()).padEnd(STAMP_WIDTH + padding, 'x');
    stamps.push(stamp);
    return response.write(toDelta(stamps.length - 1, stamp));
  };
  const finish = (): void => {
    const text = stamps.join('');
    if (padding === 0) {
      sent.tokens += tokens;
      sent.checksums.push(crc32(text));
    }
    response.end(toClosing(tokens, text));
  };
  const pump = (): void => {
    if (response.destroyed) return;
    while (stamps.length < tokens) {
      const wait = startedAt + stamps.length * pauseMicros - nowMicros();
      if (pauseMicros > 0 && wait > 0) return void setTimeout(pump, wait / 1e3);
      if (!write()) return void response.once('drain', pump);
    }
    finish();
  };
  response.write(toOpening());
  pump();
}

const server = createServer((request, response) => {
  respond(request, response).catch(() => response.destroy());
});
answer({ ...USAGE_ANSWERS, listen: () => listen(server), report: takeReport });
