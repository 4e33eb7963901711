/** Credentials that end while a stream is open: the stream ends, the turn goes on, and new credentials go on behind the cursor. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { ConfigInput } from '../../../src/config/config.ts';
import { startTestApp, type TestApp } from '../../support/app.ts';
import { toFollowing, toQuestion } from '../../support/clients.ts';
import { createGate, type Gate, stream, textResponse } from '../../support/fake-backend-script.ts';
import { startFakeKubernetes } from '../../support/fake-kubernetes.ts';
import { AUDIENCE, createSigningKey, ISSUER, signToken, startKeyServer } from '../../support/key-server.ts';
import { createOpenDirectory } from '../../support/postgres.ts';
import { openAcknowledged, type RawSocket } from '../../support/raw-socket.ts';
import { startTokenLogin, type TokenLogin } from '../../support/token-login.ts';
import { post } from '../../support/transport-server.ts';
import { WATCHES, type WatchedEvent } from '../../support/watched-stream.ts';

let login: TokenLogin;
beforeAll(async () => {
  login = await startTokenLogin();
});
afterAll(() => login[Symbol.asyncDispose]());

const withTokens = (): ConfigInput => ({
  authentication: login.authentication,
});
const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;

/** The next answer stops before its last word until the gate is released. */
function holdAnswer(): Gate {
  const gate = createGate();
  login.fake.reply(
    stream(textResponse('One two three', { pieces: ['One', ' two', ' three'] }), { holds: { 6: gate } }),
  );
  return gate;
}

function expectNoGap(events: readonly WatchedEvent[]): void {
  expect(events.slice(1).map(({ fromSeq }) => fromSeq)).toEqual(
    events.slice(0, -1).map(({ seq }) => seq + 1),
  );
}

describe.each(WATCHES)('over %s', (transport, watch) => {
  it('a token that expires ends the stream while the turn goes on, and a new token goes on behind the cursor', async () => {
    await using app = await startTestApp({ backend: login.fake.url, config: withTokens() });
    const gate = holdAnswer();
    const asked = login.fake.responses.length;
    const token = await login.sign({ exp: inSeconds(5) });
    const first = await watch(app, toQuestion('Count'), token);
    await first.received(3);
    expect(await first.ended).toBe(transport === 'WebSocket' ? '4403' : 'TOKEN_EXPIRED');
    expect(login.fake.responses.slice(asked)).toMatchObject([{ aborted: false }]);

    const last = first.events.at(-1);
    const renewed = await login.sign();
    const second = await watch(app, toFollowing(last?.turnId ?? '', last?.cursor), renewed);
    gate.release();
    expect(await second.ended).toBe('complete');
    const all = [...first.events, ...second.events];
    expectNoGap(all);
    expect(all.at(-1)?.__typename).toBe('EndEvent');
    expect(login.fake.responses.length - asked).toBe(1);
  });

  it('a key that is taken out of its file ends the stream while the turn goes on', async () => {
    await using folder = await createOpenDirectory();
    const keyFile = join(folder.path, 'ada.key');
    await writeFile(keyFile, 'ada-0123456789abcdef');
    await using app = await startTestApp({
      backend: login.fake.url,
      config: {
        authentication: {
          module: 'api-key-token',
          recheckMs: 200,
          apiKey: { keys: [{ id: 'ada', keyFile }] },
        },
      },
    });
    const gate = holdAnswer();
    const asked = login.fake.responses.length;
    const followed = await watch(app, toQuestion('Count'), 'ada-0123456789abcdef');
    await followed.received(3);
    await rm(keyFile);
    expect(await followed.ended).toBe(transport === 'WebSocket' ? '4401' : 'UNAUTHENTICATED');
    expect(login.fake.responses.slice(asked)).toMatchObject([{ aborted: false }]);
    gate.release();
  });

  it('a signing key that its issuer withdraws ends the stream while the turn goes on; one whose server is away does not', async () => {
    const key = await createSigningKey('main');
    await using keys = await startKeyServer(key);
    const jwk = { url: keys.url, issuer: ISSUER, audience: AUDIENCE, cacheMs: 50, cooldownMs: 50 };
    await using app = await startTestApp({
      backend: login.fake.url,
      config: { authentication: { module: 'jwk-token', recheckMs: 200, jwk } },
    });
    const gate = holdAnswer();
    const asked = login.fake.responses.length;
    const followed = await watch(app, toQuestion('Count'), await signToken(key));
    await followed.received(3);
    keys.answer((response) => response.writeHead(500).end());
    const before = keys.fetches;
    await expect.poll(() => keys.fetches, { timeout: 5_000 }).toBeGreaterThan(before + 3);
    expect(await Promise.race([followed.ended, 'goes on'])).toBe('goes on');
    keys.serve(await createSigningKey('next'));
    expect(await followed.ended).toBe(transport === 'WebSocket' ? '4401' : 'UNAUTHENTICATED');
    expect(login.fake.responses.slice(asked)).toMatchObject([{ aborted: false }]);
    gate.release();
  });

  it('a signing key that is seen to be withdrawn by anybody ends the stream before its next look', async () => {
    const key = await createSigningKey('main');
    await using keys = await startKeyServer(key);
    const jwk = { url: keys.url, issuer: ISSUER, audience: AUDIENCE, cacheMs: 50, cooldownMs: 50 };
    await using app = await startTestApp({
      backend: login.fake.url,
      config: { authentication: { module: 'jwk-token', jwk } },
    });
    const gate = holdAnswer();
    const token = await signToken(key);
    const followed = await watch(app, toQuestion('Count'), token);
    await followed.received(3);
    keys.serve(await createSigningKey('next'));
    const who = () => post(app.graphql, { query: '{ viewer { id } }' }, { authorization: `Bearer ${token}` });
    await expect.poll(async () => (await who()).status).toBe(401);
    const refusedAt = performance.now();
    expect(await followed.ended).toBe(transport === 'WebSocket' ? '4401' : 'UNAUTHENTICATED');
    // It looks by itself after 15 seconds at the earliest.
    expect(performance.now() - refusedAt).toBeLessThan(8_000);
    gate.release();
  });

  it('a role that is taken away ends the stream while the turn goes on', async () => {
    await using kubernetes = await startFakeKubernetes();
    const { url: apiUrl, caFile, tokenFile } = kubernetes;
    kubernetes.allowed.add('ada');
    kubernetes.users.set('ada-token', { username: 'ada', groups: ['staff'] });
    await using app = await startTestApp({
      backend: login.fake.url,
      config: {
        authentication: { module: 'k8s', recheckMs: 200, k8s: { apiUrl, caFile, tokenFile, cacheMs: 50 } },
        authorization: {
          roleRules: [{ jsonpath: '$.groups[*]', operator: 'contains', value: 'staff', roles: ['asker'] }],
          accessRules: [{ role: 'asker', actions: ['STREAMING_QUERY'] }],
        },
      },
    });
    const gate = holdAnswer();
    const asked = login.fake.responses.length;
    const followed = await watch(app, toQuestion('Count'), 'ada-token');
    await followed.received(3);
    kubernetes.users.set('ada-token', { username: 'ada', groups: [] });
    expect(await followed.ended).toBe(transport === 'WebSocket' ? '4403' : 'TOKEN_EXPIRED');
    expect(login.fake.responses.slice(asked)).toMatchObject([{ aborted: false }]);
    gate.release();
  });
});

describe('a stock client of graphql-ws', () => {
  it('connects again with the token that it has then, and sees the whole answer of the one turn', async () => {
    await using app = await startTestApp({ backend: login.fake.url, config: withTokens() });
    const gate = holdAnswer();
    const asked = login.fake.responses.length;
    const tokens = [await login.sign({ exp: inSeconds(5) }), await login.sign()];
    const closes: number[] = [];
    const client = createClient({
      url: app.ws,
      webSocketImpl: WebSocket,
      retryWait: async () => {},
      connectionParams: () => ({ authorization: `Bearer ${tokens.shift()}` }),
      on: {
        closed: (event) => {
          closes.push((event as { readonly code: number }).code);
          gate.release();
        },
      },
    });
    const types: string[] = [];
    for await (const { data } of client.iterate<{ readonly streamingQuery: WatchedEvent }>(
      toQuestion('Count'),
    )) {
      types.push(data?.streamingQuery.__typename ?? '');
    }
    expect(closes).toEqual([4403]);
    expect(types.filter((type) => type === 'StartEvent')).toHaveLength(2);
    expect(types.at(-1)).toBe('EndEvent');
    expect(login.fake.responses.length - asked).toBe(1);
    await client.dispose();
  });
});

describe('refreshToken', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startTestApp({ backend: login.fake.url, config: withTokens() });
  });
  afterAll(() => app[Symbol.asyncDispose]());

  const REFRESH =
    'mutation ($token: String!) { refreshToken(input: { token: $token }) { viewer { id tokenExpiresAt } } }';

  async function connect(exp: number): Promise<RawSocket> {
    return openAcknowledged(app.ws, { Authorization: `Bearer ${await login.sign({ exp })}` });
  }

  async function send(raw: RawSocket, id: string, payload: object): Promise<unknown> {
    raw.send({ id, type: 'subscribe', payload });
    return (await raw.receive((message) => message.id === id)).payload;
  }

  const refresh = (raw: RawSocket, id: string, token: string) =>
    send(raw, id, { query: REFRESH, variables: { token } });

  it('lets the streams of the socket go on beyond the expiry of the token that it had', async () => {
    const exp = inSeconds(5);
    const raw = await connect(exp);
    const gate = holdAnswer();
    raw.send({ id: 'ask', type: 'subscribe', payload: toQuestion('Count') });
    await raw.receive(({ id }) => id === 'ask');
    const later = inSeconds(600);
    expect(await refresh(raw, 'refresh', await login.sign({ exp: later }))).toEqual({
      data: { refreshToken: { viewer: { id: 'ada', tokenExpiresAt: new Date(later * 1000).toISOString() } } },
    });
    await expect.poll(() => Date.now(), { timeout: 10_000 }).toBeGreaterThan(exp * 1000 + 500);
    gate.release();
    await raw.receive(({ id, type }) => id === 'ask' && type === 'complete');
    expect(await send(raw, 'who', { query: '{ viewer { tokenExpiresAt } }' })).toEqual({
      data: { viewer: { tokenExpiresAt: new Date(later * 1000).toISOString() } },
    });
    raw.socket.close();
  });

  it('by the token of another viewer does not take over the socket', async () => {
    const raw = await connect(inSeconds(600));
    expect(await refresh(raw, 'other', await login.sign({ user_id: 'bob' }))).toMatchObject({
      errors: [{ message: 'The token is of another viewer', extensions: { code: 'FORBIDDEN' } }],
    });
    const stranger = await createSigningKey('main');
    expect(await refresh(raw, 'forged', await signToken(stranger))).toMatchObject({
      errors: [{ message: 'Invalid token signature', extensions: { code: 'UNAUTHENTICATED' } }],
    });
    expect(await refresh(raw, 'late', await login.sign({ exp: 1 }))).toMatchObject({
      errors: [{ extensions: { code: 'TOKEN_EXPIRED' } }],
    });
    expect(await send(raw, 'who', { query: '{ viewer { id } }' })).toEqual({
      data: { viewer: { id: 'ada' } },
    });
    raw.socket.close();
  });

  it('is refused over HTTP, where each request brings its own token', async () => {
    const token = await login.sign();
    const { body } = await post(
      app.graphql,
      { query: REFRESH, variables: { token } },
      { authorization: `Bearer ${token}` },
    );
    expect(body.errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
  });
});
