/** Forged tokens and keys, sent to a whole server over each transport: refused, and nothing is asked or stored for them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../../src/config/config.ts';
import { startTestApp, type TestApp } from '../../support/app.ts';
import { readResults } from '../../support/attack-senders.ts';
import { toQuestion } from '../../support/clients.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { type FakeBackend, startFakeBackend } from '../../support/fake-backend.ts';
import { FORGERIES, type Keys } from '../../support/forged-tokens.ts';
import {
  AUDIENCE,
  createSigningKey,
  ISSUER,
  type KeyServer,
  signToken,
  startKeyServer,
} from '../../support/key-server.ts';
import { openRawHttp, toPost } from '../../support/raw-http.ts';
import { openRawSocket } from '../../support/raw-socket.ts';
import { closeOf } from '../../support/whoami.ts';

const API_KEY = 'the-key-of-ada-which-is-long';
const ASK = toQuestion('May I?');
const ASK_AT_ONCE = { query: 'mutation { query(input: { query: "May I?" }) { turn { status } } }' };
const now = () => Math.floor(Date.now() / 1000);

let keys: Keys;
let issuer: KeyServer;
let db: TestDatabase;
let fake: FakeBackend;
let app: TestApp;
beforeAll(async () => {
  keys = {
    key: await createSigningKey('main'),
    rsa: await createSigningKey('rsa', 'RS256'),
    stranger: await createSigningKey('main'),
  };
  issuer = await startKeyServer(keys.key, keys.rsa);
  db = await createTestDatabase();
  fake = await startFakeBackend();
  await db.database.ping();
});
afterAll(async () => {
  await fake[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
  await issuer[Symbol.asyncDispose]();
});

/** An application for the tests around it. */
function useApp(authentication: () => NonNullable<ConfigInput['authentication']>): void {
  beforeAll(async () => {
    const config = { authentication: authentication() };
    app = await startTestApp({ backend: fake.url, databaseUrl: db.url, config });
  });
  afterAll(() => app[Symbol.asyncDispose]());
}

/** Shows a token or a key, and asks where it can: the code of the refusal; `accepted` when there is none. */
type Send = (token: string) => Promise<string>;

const CLOSES: Readonly<Record<number, string>> = { 4401: 'UNAUTHENTICATED', 4403: 'TOKEN_EXPIRED' };

const overHttp =
  (accept: string, operation: object): Send =>
  async (token) => {
    const response = await fetch(app.graphql, {
      method: 'POST',
      headers: { accept, authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(operation),
    });
    const results = readResults(await response.text(), response.headers.get('content-type') ?? '');
    const codes = results.flatMap(({ errors = [] }) => errors.map(({ extensions }) => extensions?.code));
    return codes[0] ?? 'accepted';
  };

const toRefusal = (code: number): string => CLOSES[code] ?? `closed with ${code}`;

const overParameters: Send = async (token) => {
  const raw = await openRawSocket(app.ws);
  raw.send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
  return answerOf(raw);
};
const overUpgrade: Send = async (token) => {
  const raw = await openRawSocket(app.ws, { headers: { authorization: `Bearer ${token}` } });
  raw.send({ type: 'connection_init' });
  return answerOf(raw);
};

/** What becomes of a connection that has shown something. */
async function answerOf(raw: Awaited<ReturnType<typeof openRawSocket>>): Promise<string> {
  const accepted = raw.receive(({ type }) => type === 'connection_ack').then(() => 'accepted');
  accepted.catch(() => {});
  const answer = await Promise.race([accepted, raw.closed.then(({ code }) => toRefusal(code))]);
  raw.socket.terminate();
  return answer;
}

const TRANSPORTS: readonly (readonly [name: string, send: Send])[] = [
  ['POST', overHttp('application/json', ASK_AT_ONCE)],
  ['SSE', overHttp('text/event-stream', ASK)],
  ['multipart', overHttp('multipart/mixed;subscriptionSpec=1.0', ASK)],
  ['connectionParams', overParameters],
  ['the upgrade of a WebSocket', overUpgrade],
];

/** Calls of the backend, and what is stored. */
async function look(): Promise<readonly number[]> {
  const [row] = await db.database.driver`
    SELECT (SELECT count(*) FROM turn) AS turns, (SELECT count(*) FROM conversation) AS conversations`;
  return [...Object.values(row ?? {}).map(Number), fake.responses.length];
}

describe('tokens', () => {
  useApp(() => ({ module: 'jwk-token', jwk: { url: issuer.url, issuer: ISSUER, audience: AUDIENCE } }));

  describe.each(TRANSPORTS)('over %s', (_name, send) => {
    it('no forged one is accepted; the next good one is', async () => {
      const before = await look();
      const fetched = issuer.fetches;
      const seen: (readonly [string, string])[] = [];
      for (const { what, forge } of FORGERIES) seen.push([what, await send(await forge(keys))]);
      expect(seen).toEqual(FORGERIES.map(({ what, code }) => [what, code]));
      expect(await look()).toEqual(before);
      expect(issuer.fetches - fetched).toBeLessThanOrEqual(1);
      expect(await send(await signToken(keys.key))).toBe('accepted');
    });

    it('none sends the server to keys elsewhere', async () => {
      await using evil = await startKeyServer(keys.stranger);
      for (const header of [{ jku: evil.url }, { x5u: evil.url }, { jku: evil.url, kid: 'evil' }]) {
        const token = await signToken(keys.stranger, {}, header);
        expect(await send(token)).toBe('UNAUTHENTICATED');
      }
      expect(evil.fetches).toBe(0);
    });

    it('one may be as early as clocks may differ, and not earlier', async () => {
      expect(await send(await signToken(keys.key, { nbf: now() + 2 }))).toBe('accepted');
      expect(await send(await signToken(keys.key, { nbf: now() + 20 }))).toBe('UNAUTHENTICATED');
    });
  });

  describe('more than one', () => {
    it.each(['application/json', 'text/event-stream'])('in two headers is refused, to %s', async (accept) => {
      const before = await look();
      const token = await signToken(keys.key);
      const [first = '', ...others] = toPost(ASK.query, accept);
      const headers = [
        `authorization: Bearer ${token}`,
        `authorization: Bearer ${token}`,
        'connection: close',
      ];
      const raw = await openRawHttp(app.url, first, ...headers, ...others);
      expect(await raw.ended).toContain('UNAUTHENTICATED');
      expect(await look()).toEqual(before);
    });

    it('in two parameters of a connection is refused', async () => {
      const authorization = `Bearer ${await signToken(keys.key)}`;
      expect(await closeOf(app, { authorization, Authorization: authorization })).toMatchObject({
        code: 4401,
        reason: 'No token found in Authorization header',
      });
    });
  });
});

describe('API keys', () => {
  useApp(() => ({ module: 'api-key-token', apiKey: { keys: [{ id: 'ada', key: API_KEY }] } }));

  describe.each(TRANSPORTS)('over %s', (_name, send) => {
    it.each([
      ['another last character', `${API_KEY.slice(0, -1)}G`],
      ['another first character', `T${API_KEY.slice(1)}`],
      ['a character less', API_KEY.slice(0, -1)],
      ['a character more', `${API_KEY}g`],
      ['itself twice', `${API_KEY},${API_KEY}`],
    ])('none is accepted that has %s; the right one is', async (_what, key) => {
      const before = await look();
      expect(await send(key)).toBe('UNAUTHENTICATED');
      expect(await look()).toEqual(before);
      expect(await send(API_KEY)).toBe('accepted');
    });
  });
});
