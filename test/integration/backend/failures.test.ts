/** Each way in which a backend can fail gets exactly its code, over real sockets. */

import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import type { Backend, ResponseRequest, UpstreamEvent } from '../../../src/backend/backend.ts';
import { createBackend } from '../../../src/backend/client.ts';
import { AppError } from '../../../src/errors.ts';
import type { ErrorCode } from '../../../src/types/error-code.ts';
import { toBackendConfig } from '../../support/backend-config.ts';
import { startFakeBackend } from '../../support/fake-backend.ts';
import { type Script, status, stream, textResponse } from '../../support/fake-backend-script.ts';

const request: ResponseRequest = { model: 'm', instructions: '', input: [], tools: [] };
const answer = textResponse('one two three');
const key = 'key-0123456789';

/** What arrived, and the error that ended it. */
async function fail(
  backend: Backend,
): Promise<{ readonly events: readonly UpstreamEvent[]; readonly error: AppError }> {
  const events: UpstreamEvent[] = [];
  try {
    for await (const batch of backend.streamResponse(request, new AbortController().signal))
      events.push(...batch);
  } catch (error) {
    if (error instanceof AppError) return { events, error };
    throw error;
  }
  throw new Error('the stream did not fail');
}

const error = (message: string, code: string | null = null) => ({ error: { message, type: 'x', code } });

interface Row {
  readonly name: string;
  readonly script: Script;
  readonly code: ErrorCode;
  /** Part of the explanation that the client reads. */
  readonly cause?: string | undefined;
}
const answered = (code: number, body: object | string, expected: ErrorCode, cause?: string): Row => ({
  name: `HTTP ${code} ${typeof body === 'string' ? body.slice(0, 20) : JSON.stringify(body).slice(0, 60)}`,
  script: status(code, body as string),
  code: expected,
  cause,
});

const rows: readonly Row[] = [
  answered(400, error('Unsupported parameter'), 'BACKEND_ERROR', 'Unsupported parameter'),
  answered(400, error('Too big', 'context_length_exceeded'), 'PROMPT_TOO_LONG', 'Too big'),
  answered(400, error("This model's maximum context length is 4096 tokens."), 'PROMPT_TOO_LONG'),
  answered(
    401,
    error(`Incorrect API key provided: ${key}`),
    'BACKEND_ERROR',
    'Incorrect API key provided: [removed]',
  ),
  answered(403, error('No'), 'BACKEND_ERROR', 'No'),
  answered(
    404,
    error('The model does not exist', 'model_not_found'),
    'BACKEND_ERROR',
    'The model does not exist',
  ),
  answered(404, '<html>nginx</html>', 'BACKEND_ERROR', 'The backend answered with HTTP status 404.'),
  answered(408, '', 'BACKEND_TIMEOUT'),
  answered(413, '', 'PROMPT_TOO_LONG'),
  answered(422, { detail: [{ msg: 'field required' }] }, 'BACKEND_ERROR', 'field required'),
  answered(429, error('Slow down', 'rate_limit_exceeded'), 'RATE_LIMITED', 'Slow down'),
  answered(429, error('Request too large: maximum context length'), 'RATE_LIMITED'),
  answered(
    429,
    error('You exceeded your current quota', 'insufficient_quota'),
    'RATE_LIMITED',
    'current quota',
  ),
  answered(500, { detail: 'Boom' }, 'BACKEND_ERROR', 'Boom'),
  answered(500, 'plain words', 'BACKEND_ERROR', 'plain words'),
  answered(502, '<html>Bad Gateway</html>', 'BACKEND_ERROR', 'HTTP status 502'),
  answered(503, error('Model is loading'), 'BACKEND_UNAVAILABLE', 'Model is loading'),
  answered(504, '', 'BACKEND_TIMEOUT'),
  answered(529, error('Overloaded'), 'BACKEND_ERROR', 'Overloaded'),
  { ...answered(200, '<html>Welcome</html>', 'BACKEND_PROTOCOL', 'text/html') },
  { ...answered(200, { id: 'resp_1', error: null }, 'BACKEND_PROTOCOL', 'application/json') },
  { ...answered(200, error('Boom'), 'BACKEND_ERROR', 'Boom') },
  { ...answered(200, error('context window exceeded'), 'PROMPT_TOO_LONG') },
  { name: 'a reset before any answer', script: { kind: 'reset' }, code: 'BACKEND_UNAVAILABLE' },
];

test.each(rows)('$name is $code', async ({ script, code, cause }) => {
  await using fake = await startFakeBackend();
  fake.reply(script);
  const { error } = await fail(createBackend(toBackendConfig(fake.url, { apiKey: key })));
  expect(error).toMatchObject({ code });
  if (cause !== undefined) expect(error.details.explanation).toContain(cause);
  expect(`${error.message} ${error.details.explanation}`).not.toContain(key);
  expect(`${error.message} ${error.details.explanation}`).not.toContain('127.0.0.1');
});

const breaks: readonly { readonly name: string; readonly script: Script; readonly cause: string }[] = [
  {
    name: 'a reset in mid-stream',
    script: stream(answer, { breaks: { after: 3, how: 'reset' } }),
    cause: 'broke off',
  },
  { name: 'bad JSON', script: stream([...answer.slice(0, 3), '{"type":']), cause: 'not JSON' },
  {
    name: 'an event above 16 MiB',
    script: stream([...answer.slice(0, 3), { type: 'x', delta: 'x'.repeat(16 * 1024 * 1024 + 1) }]),
    cause: 'more than',
  },
];
test.each(breaks)(
  '$name is BACKEND_PROTOCOL, after the events that came before it',
  async ({ script, cause }) => {
    await using fake = await startFakeBackend();
    fake.reply(script);
    const { error, events } = await fail(createBackend(toBackendConfig(fake.url)));
    expect(error.code).toBe('BACKEND_PROTOCOL');
    expect(error.details.explanation).toContain(cause);
    expect(events).toEqual(answer.slice(0, 3));
  },
);

test('a refused connection is BACKEND_UNAVAILABLE and names the provider, not the address', async () => {
  const fake = await startFakeBackend();
  await fake[Symbol.asyncDispose]();
  const { error } = await fail(createBackend(toBackendConfig(fake.url)));
  expect(error).toMatchObject({ code: 'BACKEND_UNAVAILABLE', message: 'Unable to connect to fake' });
  expect(error.details.explanation).toBe('The connection was refused.');
});

test('a host name that does not exist is BACKEND_UNAVAILABLE', async () => {
  const { error } = await fail(createBackend(toBackendConfig('http://backend.invalid/v1')));
  expect(error).toMatchObject({ code: 'BACKEND_UNAVAILABLE', message: 'Unable to connect to fake' });
});

test('a server that does not speak TLS is BACKEND_UNAVAILABLE for an https address', async () => {
  await using fake = await startFakeBackend();
  const { error } = await fail(createBackend(toBackendConfig(fake.url.replace('http:', 'https:'))));
  expect(error.code).toBe('BACKEND_UNAVAILABLE');
});

test('a server that does not speak HTTP is BACKEND_PROTOCOL', async () => {
  const server = createServer((socket) =>
    socket.on('error', () => undefined).end('220 smtp.example.org ready\r\n'),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const { error } = await fail(createBackend(toBackendConfig(`http://127.0.0.1:${port}/v1`)));
  server.close();
  expect(error.code).toBe('BACKEND_PROTOCOL');
});

test.each([
  { headers: { 'retry-after': '7' }, retryAfterMs: 7_000 },
  { headers: { 'retry-after-ms': '1500', 'retry-after': '9' }, retryAfterMs: 1_500 },
  { headers: { 'retry-after': 'Thu, 01 Jan 1970 00:00:00 GMT' }, retryAfterMs: 0 },
  { headers: { 'retry-after': '86400' }, retryAfterMs: 300_000 },
  { headers: {}, retryAfterMs: undefined },
])('the wait that a 429 names is told, at most 300 s: $headers', async ({ headers, retryAfterMs }) => {
  await using fake = await startFakeBackend();
  fake.reply(status(429, error('Slow down'), headers as Record<string, string>));
  const failed = await fail(createBackend(toBackendConfig(fake.url)));
  expect(failed.error.details.retryAfterMs).toBe(retryAfterMs);
  expect(failed.error.details.resetAt !== undefined).toBe(retryAfterMs === 300_000);
});

test('a backend’s own words are cut to 2,000 characters', async () => {
  await using fake = await startFakeBackend();
  fake.reply(status(500, error('x'.repeat(100_000))));
  const failed = await fail(createBackend(toBackendConfig(fake.url)));
  expect(failed.error.details.explanation).toHaveLength(2_000);
});
