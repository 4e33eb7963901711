/** The keys of a token issuer: how often they are fetched, how they change, and every way their server can fail. */
import { beforeAll, describe, expect, it } from 'vitest';
import { createFetchJson } from '../../../src/auth/fetch-json.ts';
import { createKeySet } from '../../../src/auth/key-set.ts';
import { bearer, refusalOf } from '../../support/credentials.ts';
import {
  createJwkModule,
  createSigningKey,
  type KeyServer,
  SILENT,
  type SigningKey,
  signToken,
  startKeyServer,
} from '../../support/key-server.ts';

let key: SigningKey;
beforeAll(async () => {
  key = await createSigningKey('main');
});

const TOKEN = { payload: '', signature: '' };
/** With the default times, by a pretended clock. */
function createTestKeySet(url: string, now: () => number) {
  const settings = { url, cacheMs: 30_000, staleMs: 3_600_000, cooldownMs: 30_000, timeoutMs: 5_000 };
  return createKeySet({
    settings,
    fetchJson: createFetchJson({ timeoutMs: 5_000, caSetting: '' }),
    log: SILENT,
    now,
  });
}

describe('the keys', () => {
  it('are fetched once, however many ask', async () => {
    await using own = await startKeyServer(key);
    const module = createJwkModule(own.url);
    const token = await signToken(key);
    await Promise.all(Array.from({ length: 50 }, () => module(bearer(token))));
    expect(own.fetches).toBe(1);
  });

  it('are fetched once more for 1,000 tokens with unknown keys', async () => {
    await using own = await startKeyServer(key);
    const module = createJwkModule(own.url);
    await module(bearer(await signToken(key)));
    const tokens = await Promise.all(
      Array.from({ length: 1_000 }, (_, index) => signToken(key, {}, { kid: `unknown-${index}` })),
    );
    const refusals = await Promise.all(tokens.map((token) => refusalOf(module, bearer(token))));
    expect(new Set(refusals.map(({ message }) => message))).toEqual(new Set(['Token signed by unknown key']));
    expect(own.fetches).toBeLessThanOrEqual(2);
  });

  it('are fetched again for the first token of a new key, and the old key is no longer taken', async () => {
    await using own = await startKeyServer(key);
    const module = createJwkModule(own.url, { cooldownMs: 1 });
    const old = await signToken(key);
    await module(bearer(old));
    const next = await createSigningKey('next');
    own.serve(next);
    expect(await module(bearer(await signToken(next)))).toMatchObject({ id: 'ada' });
    expect(await refusalOf(module, bearer(old))).toMatchObject({ message: 'Token signed by unknown key' });
  });

  it('are fetched again while they are used, and the token of a key that was withdrawn is refused', async () => {
    await using own = await startKeyServer(key);
    const module = createJwkModule(own.url, { cacheMs: 200, cooldownMs: 200 });
    const token = await signToken(key);
    await module(bearer(token));
    own.serve(await createSigningKey('next'));
    await expect.poll(() => own.fetches).toBe(2);
    // Nobody has asked meanwhile.
    expect((await refusalOf(module, bearer(token))).message).toBe('Token signed by unknown key');
  });

  it('are waited for after a pause in which nobody used them, unless their server was away last time', async () => {
    await using own = await startKeyServer(key);
    let now = 0;
    const findKey = createTestKeySet(own.url, () => now);
    await findKey({ alg: key.alg, kid: key.kid }, TOKEN);
    own.serve(await createSigningKey('next'));
    now = 40_000;
    await expect(findKey({ alg: key.alg, kid: key.kid }, TOKEN)).rejects.toThrow();
    own.serve(key);
    now = 80_000;
    await findKey({ alg: key.alg, kid: key.kid }, TOKEN);
    own.answer((response) => response.writeHead(503).end());
    now = 120_000;
    await findKey({ alg: key.alg, kid: key.kid }, TOKEN);
    own.answer(() => {});
    now = 160_000;
    await findKey({ alg: key.alg, kid: key.kid }, TOKEN);
    await expect.poll(() => own.fetches).toBe(5);
  });

  it('tell whoever stays when they are others, and only then', async () => {
    await using own = await startKeyServer(key);
    let changes = 0;
    const module = createJwkModule(own.url, { cacheMs: 1, cooldownMs: 1 }, () => {
      changes += 1;
    });
    const token = await signToken(key);
    const isUsedTwice = async (): Promise<boolean> => {
      const before = own.fetches;
      await module(bearer(token));
      await expect.poll(() => own.fetches).toBeGreaterThan(before);
      return true;
    };
    expect([await isUsedTwice(), await isUsedTwice()]).toEqual([true, true]);
    expect(changes).toBe(0);
    own.serve(key, await createSigningKey('next'));
    await expect.poll(async () => (await isUsedTwice()) && changes).toBe(1);
  });

  const FAILURES: readonly (readonly [string, Parameters<KeyServer['answer']>[0]])[] = [
    ['answers 500', (response) => response.writeHead(500).end('{}')],
    ['answers no JSON', (response) => response.end('<html>')],
    ['answers no key set', (response) => response.end('{"keys": 5}')],
    ['redirects', (response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()],
    ['breaks off', (response) => response.destroy()],
    ['never answers', () => {}],
    [
      'answers more than a mebibyte',
      (response) => response.end(JSON.stringify({ keys: [], pad: 'x'.repeat(10_000_000) })),
    ],
    [
      'answers more keys than anybody has',
      (response) => response.end(JSON.stringify({ keys: Array(1_000).fill(key.publicJwk) })),
    ],
  ];

  it.each(FAILURES)(
    'cannot be had when the server %s: 503, and it is not asked again at once',
    async (_what, respond) => {
      await using own = await startKeyServer();
      own.answer(respond);
      const module = createJwkModule(own.url, { timeoutMs: 300 });
      const token = await signToken(key);
      const refusals = await Promise.all([1, 2, 3].map(() => refusalOf(module, bearer(token))));
      expect(refusals).toEqual(
        refusals.map(() =>
          expect.objectContaining({
            code: 'AUTH_UNAVAILABLE',
            message: 'Unable to reach authentication key server',
          }),
        ),
      );
      expect(refusals[0]?.details.retryAfterMs).toBeGreaterThan(1_000);
      own.serve(key);
      expect((await refusalOf(module, bearer(token))).code).toBe('AUTH_UNAVAILABLE');
      expect(own.fetches).toBe(1);
    },
  );

  it.each(FAILURES)('go on working when the server later %s', async (_what, respond) => {
    await using own = await startKeyServer(key);
    const module = createJwkModule(own.url, { timeoutMs: 300, cacheMs: 1, cooldownMs: 1 });
    const token = await signToken(key);
    await module(bearer(token));
    own.answer(respond);
    await expect
      .poll(async () => {
        expect(await module(bearer(token))).toMatchObject({ id: 'ada' });
        return own.fetches;
      })
      .toBeGreaterThan(1);
  });

  it('stop working when the server has been away for too long', async () => {
    await using own = await startKeyServer(key);
    const module = createJwkModule(own.url, { timeoutMs: 300, cacheMs: 1, staleMs: 1, cooldownMs: 1 });
    const token = await signToken(key);
    await module(bearer(token));
    own.answer((response) => response.writeHead(503).end());
    await expect
      .poll(() =>
        module(bearer(token)).then(
          () => 'accepted',
          (error) => error.code,
        ),
      )
      .toBe('AUTH_UNAVAILABLE');
  });
});
