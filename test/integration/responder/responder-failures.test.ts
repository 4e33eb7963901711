import { request as send } from 'node:http';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { AppError } from '../../../src/errors.ts';
import { type Responder, startResponder } from '../../../src/responder/responder.ts';

const error = vi.fn();
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error };
const tools = [{ type: 'file_search' as const, vector_store_ids: ['local'] }];
const question = { model: 'millrace-extractive', input: 'How do I resume a stream?', tools };

let fault: Error;
let responder: Responder;
let client: OpenAI;

beforeAll(async () => {
  responder = await startResponder({ log: silent, searchDocuments: () => Promise.reject(fault) });
  client = new OpenAI({ baseURL: responder.baseUrl, apiKey: responder.apiKey, maxRetries: 0 });
});
beforeEach(() => error.mockClear());
afterAll(() => responder[Symbol.asyncDispose]());

describe('a refusal', () => {
  const statusOf = (work: Promise<unknown>) =>
    work.then(
      () => 200,
      (failure: unknown) =>
        failure instanceof OpenAI.APIError ? { status: failure.status, code: failure.code } : failure,
    );

  test.each(['wrong', ''])('answers 401 to the token %j, whatever is asked', async (apiKey) => {
    for (const path of ['/models', '/responses', '/nothing']) {
      const answer = await fetch(responder.baseUrl + path, {
        headers: { authorization: `Bearer ${apiKey}` },
      });
      expect(answer.status).toBe(401);
      expect(await answer.json()).toMatchObject({ error: { code: 'invalid_api_key' } });
    }
  });

  test('answers 404 to another model and to another path, 400 to a bad body', async () => {
    expect(await statusOf(client.responses.create({ ...question, model: 'gpt-5' }))).toEqual({
      status: 404,
      code: 'model_not_found',
    });
    expect(await statusOf(client.get('/files'))).toEqual({ status: 404, code: 'unknown_url' });
    expect(await statusOf(client.responses.create({ ...question, max_output_tokens: -1 }))).toEqual({
      status: 400,
      code: null,
    });
  });

  test('answers 413 to a body of more than 4 MiB', async () => {
    const work = client.responses.create({ ...question, input: 'x'.repeat(4 * 1_048_576) });
    expect(await statusOf(work)).toEqual({ status: 413, code: 'request_too_large' });
  });

  test('answers 503 before any event when the database is away', async () => {
    fault = new AppError('DEPENDENCY_UNAVAILABLE', 'Unable to connect to the database');
    const work = client.responses.create({ ...question, stream: true });
    expect(await statusOf(work)).toEqual({ status: 503, code: 'service_unavailable' });
    expect(error).not.toHaveBeenCalled();
  });

  test('answers 500 to a fault, logs it and tells nothing of it', async () => {
    fault = new Error('secret detail');
    const failure: unknown = await client.responses.create(question).catch((reason: unknown) => reason);
    expect(failure).toMatchObject({ status: 500 });
    expect(String(failure)).not.toContain('secret');
    expect(error).toHaveBeenCalledOnce();
  });
});

describe('the connection', () => {
  test('a client that leaves during the search or the upload is no fault', async () => {
    const searching = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    await using slow = await startResponder({
      log: silent,
      searchDocuments: async () => {
        searching.resolve();
        await release.promise;
        return [];
      },
    });
    const leave = new AbortController();
    const options = { baseURL: slow.baseUrl, apiKey: slow.apiKey, maxRetries: 0 };
    const work = new OpenAI(options).responses.create(
      { ...question, stream: true },
      { signal: leave.signal },
    );
    const outcome = work.catch((reason: unknown) => reason);
    await searching.promise;
    leave.abort();
    expect(await outcome).toBeInstanceOf(OpenAI.APIUserAbortError);
    await breakUpload(slow);
    release.resolve();
    expect((await new OpenAI(options).models.list()).data).toHaveLength(1);
    expect(error).not.toHaveBeenCalled();
  });

  test('disposing frees the port while a request is open', async () => {
    const searching = Promise.withResolvers<void>();
    const busy = await startResponder({
      log: silent,
      searchDocuments: () => {
        searching.resolve();
        return new Promise(() => {});
      },
    });
    const options = { baseURL: busy.baseUrl, apiKey: busy.apiKey, maxRetries: 0 };
    const work = new OpenAI(options).responses.create(question).catch((reason: unknown) => reason);
    await searching.promise;
    await busy[Symbol.asyncDispose]();
    expect(await work).toBeInstanceOf(OpenAI.APIConnectionError);
    await expect(fetch(`${busy.baseUrl}/models`)).rejects.toThrow();
  });
});

/** Sends half of a body and drops the connection. */
async function breakUpload({ baseUrl, apiKey }: Responder): Promise<void> {
  const headers = { authorization: `Bearer ${apiKey}`, 'content-length': 1_000 };
  const upload = send(`${baseUrl}/responses`, { method: 'POST', headers });
  const closed = new Promise((resolve) => upload.on('error', () => {}).on('close', resolve));
  upload.write('{"model":');
  await new Promise((resolve) => upload.once('socket', (socket) => socket.once('connect', resolve)));
  upload.destroy();
  await closed;
}
