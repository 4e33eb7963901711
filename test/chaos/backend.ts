/** The process that plays the model: answers each question as it asks to be, and writes down who asked it and what became of it. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { listen } from '../bench/listen.ts';
import { answer } from '../bench/rpc.ts';
import { toClosing, toDelta, toOpening } from '../bench/upstream-events.ts';
import type { Call } from './check/types.ts';
import { type Plan, parseQuestion, toAnswer, toToken } from './question.ts';

interface ResponsesBody {
  readonly input: readonly { readonly content: string }[];
}

type OpenCall = { -readonly [Key in keyof Call]: Call[Key] };

const journal: OpenCall[] = [];

/** The first part of the path names the node that asks. */
async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, node = '', ...rest] = (request.url ?? '').split('/');
  const path = rest.join('/');
  if (request.method === 'GET' && path === 'v1/models') {
    return sendJson(response, 200, { object: 'list', data: [{ id: 'chaos', object: 'model' }] });
  }
  if (request.method !== 'POST' || path !== 'v1/responses') return sendJson(response, 404, {});
  const { input } = (await json(request)) as ResponsesBody;
  const plan = parseQuestion(input.at(-1)?.content ?? '');
  const call: OpenCall = { key: plan.key, node, at: Date.now(), outcome: 'open', tokens: 0 };
  journal.push(call);
  response.once('close', () => {
    if (call.outcome === 'open') call.outcome = 'aborted';
  });
  response.socket?.setNoDelay();
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  play(plan, call, response);
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

/** One timer for each token: a pause never grows by what came before. */
function play(plan: Plan, call: OpenCall, response: ServerResponse): void {
  const startedAt = performance.now();
  const pauseMs = 1e3 / plan.tokensPerSecond;
  const pump = (): void => {
    if (response.destroyed) return;
    while (call.tokens < plan.tokens) {
      const wait = startedAt + call.tokens * pauseMs - performance.now();
      if (wait > 0) return void setTimeout(pump, wait);
      response.write(toDelta(call.tokens, toToken(plan, call.tokens)));
      call.tokens += 1;
    }
    call.outcome = 'complete';
    response.end(toClosing(plan.tokens, toAnswer(plan)));
  };
  response.write(toOpening());
  pump();
}

const server = createServer((request, response) => {
  respond(request, response).catch(() => response.destroy());
});
answer({ listen: () => listen(server), journal: () => journal });
