/** Who comes in, over HTTP and over WebSocket: the same credentials, the same refusals. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../../src/config/config.ts';
import { startTestApp, type TestApp } from '../../support/app.ts';
import { type FakeBackend, startFakeBackend } from '../../support/fake-backend.ts';
import { openRawHttp } from '../../support/raw-http.ts';
import { openAcknowledged, openRawSocket } from '../../support/raw-socket.ts';
import { post } from '../../support/transport-server.ts';
import { askOverHttp, askOverSocket, closeOf, WHO, type Whoami } from '../../support/whoami.ts';

const ADA = 'ada-0123456789abcdef';
const BOB = 'bob-0123456789abcdef';

let fake: FakeBackend;
beforeAll(async () => {
  fake = await startFakeBackend();
});
afterAll(async () => {
  await fake[Symbol.asyncDispose]();
});

const withKeys: ConfigInput = {
  authentication: {
    module: 'api-key-token',
    apiKey: {
      keys: [
        { id: 'ada', name: 'Ada', roles: ['reader'], key: ADA },
        { id: 'bob', key: BOB },
      ],
    },
  },
};
describe('with API keys', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startTestApp({ backend: fake.url, config: withKeys });
  });
  afterAll(() => app[Symbol.asyncDispose]());

  it('a key says who one is, over HTTP and over WebSocket', async () => {
    const { body } = await askOverHttp(app, { authorization: `Bearer ${ADA}` });
    const ada = { id: 'ada', name: 'Ada', roles: ['*', 'reader'] };
    expect(body.data).toMatchObject({ viewer: ada });
    expect(await askOverSocket(app, { Authorization: `Bearer ${ADA}` })).toMatchObject(ada);
    expect(await askOverSocket(app, undefined, { authorization: `Bearer ${ADA}` })).toMatchObject(ada);
  });

  it("a connection's parameter counts before the header of its upgrade", async () => {
    const viewer = await askOverSocket(
      app,
      { authorization: `Bearer ${ADA}` },
      { authorization: `Bearer ${BOB}` },
    );
    expect(viewer.id).toBe('ada');
  });

  it.each([
    ['nothing', {}, 'No Authorization header found'],
    ['another word', { authorization: `Basic ${ADA}` }, 'No token found in Authorization header'],
    ['a wrong key', { authorization: `Bearer ${ADA}x` }, 'Invalid API key'],
  ])('%s is refused: 401 over HTTP, 4401 over WebSocket', async (_what, shown, message) => {
    const { status, body } = await askOverHttp(app, shown as Record<string, string>);
    expect(status).toBe(401);
    expect(body.errors).toMatchObject([
      { message, extensions: { code: 'UNAUTHENTICATED', retryable: false } },
    ]);
    expect(body.data).toBeUndefined();
    expect(await closeOf(app, shown)).toEqual({ code: 4401, reason: message });
  });

  it('a refusal comes before the text of the operation is looked at', async () => {
    for (const query of ['{', '{ nothing }', '{ __schema { types { name } } }', 'subscription { a b }']) {
      const { status, body } = await post(app.graphql, { query });
      expect([status, body.errors?.[0]?.extensions.code]).toEqual([401, 'UNAUTHENTICATED']);
    }
    const got = await fetch(`${app.graphql}?query=${encodeURIComponent('{ nothing }')}`, {
      headers: { 'graphql-require-preflight': '1', accept: 'application/json' },
    });
    expect(got.status).toBe(401);
  });

  it('a subscription is refused the same way, and no stream begins', async () => {
    const response = await fetch(app.graphql, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({
        query: 'subscription { streamingQuery(input: { query: "a" }) { __typename } }',
      }),
    });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
    expect(fake.responses).toEqual([]);
  });

  it('an upload is refused the same way', async () => {
    const response = await fetch(`${app.url}/uploads`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain', 'graphql-require-preflight': '1' },
      body: 'text',
    });
    expect(response.status).toBe(401);
  });

  it('two Authorization headers are refused, also when both are good', async () => {
    const body = JSON.stringify({ query: WHO });
    const raw = await openRawHttp(
      app.url,
      'POST /graphql HTTP/1.1',
      'host: localhost',
      'content-type: application/json',
      `authorization: Bearer ${ADA}`,
      `authorization: Bearer ${ADA}`,
      'connection: close',
      `content-length: ${Buffer.byteLength(body)}`,
      '',
      body,
    );
    const answer = await raw.ended;
    expect(answer).toMatch(/^HTTP\/1\.1 401 /);
    expect(answer).toContain('No token found in Authorization header');
  });

  it.each([
    ['twice, in two spellings', { authorization: `Bearer ${ADA}`, Authorization: `Bearer ${ADA}` }],
    ['in a list', { authorization: [`Bearer ${ADA}`] }],
    ['without its word', { authorization: ADA }],
  ])('a key %s in the parameters of a connection is refused', async (_what, params) => {
    expect(await closeOf(app, params)).toEqual({
      code: 4401,
      reason: 'No token found in Authorization header',
    });
  });

  it.each([
    [
      'other names',
      {
        headers: { authorization: `Bearer ${ADA}` },
        token: ADA,
        authToken: ADA,
        apiKey: ADA,
        access_token: ADA,
      },
    ],
  ])('a key under %s in the parameters of a connection is not looked at', async (_what, params) => {
    expect(await closeOf(app, params)).toEqual({ code: 4401, reason: 'No Authorization header found' });
  });

  it('a key in the query string is not looked at', async () => {
    const query = `?authorization=Bearer%20${ADA}&access_token=${ADA}&token=${ADA}&user_id=ada`;
    const response = await post(`${app.graphql}${query}`, { query: WHO });
    expect(response.status).toBe(401);
    const raw = await openRawSocket(`${app.ws}${query}`);
    raw.send({ type: 'connection_init' });
    expect((await raw.closed).code).toBe(4401);
  });

  it('the default viewer of other modules has no more rights here', async () => {
    const { body } = await askOverHttp(app, { authorization: `Bearer ${BOB}` });
    const { actions } = (body.data as Whoami).viewer;
    expect(actions).toContain('STREAMING_QUERY');
    expect(actions).not.toContain('MANAGE_DOCUMENTS');
  });
});

describe('without authentication', () => {
  it('everyone is the default viewer, or whoever they say they are', async () => {
    await using app = await startTestApp({ backend: fake.url });
    const nobody = await askOverHttp(app, {});
    expect((nobody.body.data as Whoami).viewer).toMatchObject({ id: 'default', roles: ['*'] });
    const named = await post(`${app.graphql}?user_id=ada`, { query: WHO });
    expect((named.body.data as Whoami).viewer).toMatchObject({ id: 'ada', name: 'ada' });
    expect(await askOverSocket(app, { user_id: 'bob' })).toMatchObject({ id: 'bob' });
    const raw = await openAcknowledged(`${app.ws}?user_id=eve`);
    raw.socket.terminate();
    for (const id of ['', 'x'.repeat(256), 'a%00b', 'a&user_id=b']) {
      const { status, body } = await post(`${app.graphql}?user_id=${id}`, { query: WHO });
      expect([status, body.errors?.[0]?.extensions.code]).toEqual([401, 'UNAUTHENTICATED']);
    }
  });

  it('a token has to be there when the module is noop-with-token', async () => {
    await using app = await startTestApp({
      backend: fake.url,
      config: { authentication: { module: 'noop-with-token' } },
    });
    const { status, body } = await askOverHttp(app, {});
    expect([status, body.errors?.[0]?.message]).toEqual([401, 'No Authorization header found']);
    expect(await askOverSocket(app, { authorization: 'Bearer anything', user_id: 'ada' })).toMatchObject({
      id: 'ada',
    });
  });
});
