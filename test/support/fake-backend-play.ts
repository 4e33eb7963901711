/** Carries out a script of the fake backend on one HTTP response. */
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { orAborted } from '../../src/lib/abort.ts';
import type { Framing, Script, ScriptEvent, StatusScript, StreamScript } from './fake-backend-script.ts';

const PIECE_BYTES = 7;
const LINE_ENDS: Partial<Record<Framing, string>> = { crlf: '\r\n', cr: '\r' };

/** One request's answer in the making. */
export interface Exchange {
  readonly response: ServerResponse;
  /** Aborted when the connection is over. */
  readonly gone: AbortSignal;
  /** Resets the connection from the server's side. */
  reset(): void;
}

/** Resolves when everything is sent that the script has, or when the connection is over. */
export async function play(script: Script, exchange: Exchange): Promise<void> {
  switch (script.kind) {
    case 'silence':
      return;
    case 'reset':
      return exchange.reset();
    case 'status':
      return sendStatus(script, exchange.response);
    case 'stream':
      return sendStream(script, exchange);
    default:
      script satisfies never;
  }
}

function sendStatus(script: StatusScript, response: ServerResponse): void {
  const isText = typeof script.body === 'string';
  const type = isText ? 'text/html; charset=utf-8' : 'application/json';
  response.writeHead(script.status, { 'content-type': type, ...script.headers });
  response.end(isText ? script.body : JSON.stringify(script.body));
}

async function sendStream(script: StreamScript, exchange: Exchange): Promise<void> {
  const { response, gone } = exchange;
  const framing = script.framing ?? 'lf';
  const { events, breaks } = script;
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', ...script.headers });
  response.flushHeaders();
  if (framing === 'bom') response.write('\uFEFF');
  const startedAt = performance.now();
  for (const [index, event] of events.entries()) {
    if (index === breaks?.after) break;
    await pause(script, { index, startedAt }, gone);
    if (gone.aborted) return;
    const isLast = index === events.length - 1;
    await send(toFrame(event, framing, isLast), framing, exchange);
  }
  await waitForGate(script, breaks?.after ?? events.length, gone);
  if (framing === 'done') response.write('data: [DONE]\n\n');
  await finish(breaks?.how ?? 'cut', exchange);
}

async function finish(how: 'cut' | 'reset' | 'stall', { response, reset }: Exchange): Promise<void> {
  if (how === 'stall') return;
  if (how === 'cut') {
    response.end();
    return;
  }
  // What was written must be on its way before the reset, or the client would never see it.
  await new Promise<void>((resolve) => response.write(': last words\n\n', () => resolve()));
  reset();
}

async function pause(
  script: StreamScript,
  at: { readonly index: number; readonly startedAt: number },
  gone: AbortSignal,
): Promise<void> {
  await waitForGate(script, at.index, gone);
  const due = script.eventsPerSecond ? at.startedAt + (at.index * 1_000) / script.eventsPerSecond : 0;
  const ms = Math.max(due - performance.now(), script.delayMs?.(at.index) ?? 0);
  // Timers do not do less than a millisecond: at high paces several events are due at once.
  if (ms >= 1) await sleep(ms, undefined, { signal: gone }).catch(() => undefined);
}

async function waitForGate(script: StreamScript, index: number, gone: AbortSignal): Promise<void> {
  const gate = script.holds?.[index];
  if (gate !== undefined) await orAborted(gate.released, gone);
}

async function send(frame: string, framing: Framing, { response, gone }: Exchange): Promise<void> {
  const bytes = Buffer.from(frame);
  const size = framing === 'pieces' ? PIECE_BYTES : Math.max(bytes.length, 1);
  let hasRoom = true;
  for (let start = 0; start < bytes.length; start += size) {
    hasRoom = response.write(bytes.subarray(start, start + size));
  }
  if (!hasRoom) await once(response, 'drain', { signal: gone }).catch(() => undefined);
}

function toFrame(event: ScriptEvent, framing: Framing, isLast: boolean): string {
  const end = LINE_ENDS[framing] ?? '\n';
  const type =
    typeof event === 'object' && event !== null && 'type' in event ? String(event.type) : undefined;
  const lines: string[] = [];
  if (framing === 'comments') lines.push(': keep-alive', '');
  if (type !== undefined && framing !== 'data-only') lines.push(`event: ${type}`);
  const data =
    typeof event === 'string' ? event : JSON.stringify(event, null, framing === 'multi-line' ? 1 : 0);
  for (const line of data.split('\n')) lines.push(`data: ${line}`);
  const text = lines.join(end);
  return framing === 'no-final-blank' && isLast ? text : text + end + end;
}
