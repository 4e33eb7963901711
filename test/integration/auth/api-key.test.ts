import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createApiKey } from '../../../src/auth/modules/api-key.ts';
import { configSchema } from '../../../src/config/config.ts';
import type { Log } from '../../../src/log.ts';
import { bearer, refusalOf } from '../../support/credentials.ts';
import { createOpenDirectory } from '../../support/postgres.ts';

const ADA = 'ada-0123456789,abcdef';
const BOB = 'bob-0123456789,abcdef';
const log = { warn: () => {} } as unknown as Log;

function createModule(...keys: readonly object[]) {
  const { apiKey } = configSchema.parse({ authentication: { apiKey: { keys } } }).authentication;
  return createApiKey({ settings: apiKey?.keys ?? [], log });
}

describe('a key', () => {
  const identify = createModule(
    { id: 'ada', name: 'Ada', roles: ['reader'], key: ADA },
    { id: 'bob', key: `${BOB}\n${BOB}2` },
  );

  it('stands for its viewer', async () => {
    expect(await identify(bearer(ADA))).toEqual({ id: 'ada', name: 'Ada', roles: ['reader'] });
    expect(await identify(bearer(BOB))).toEqual({ id: 'bob', name: 'bob', roles: [] });
    expect(await identify(bearer(`${BOB}2`))).toMatchObject({ id: 'bob' });
  });

  it.each([
    ['one character off', `${ADA.slice(0, -1)}x`],
    ['cut short', ADA.slice(0, -1)],
    ['one character longer', `${ADA}x`],
    ['in capitals', ADA.toUpperCase()],
    ['the two of one viewer together', `${BOB}${BOB}2`],
  ])('is refused when it is %s', async (_what, key) => {
    expect(await refusalOf(identify, bearer(key))).toMatchObject({
      code: 'UNAUTHENTICATED',
      message: 'Invalid API key',
    });
  });

  it('must be in the one Authorization header', async () => {
    expect(await refusalOf(identify, { headers: {} })).toMatchObject({
      message: 'No Authorization header found',
    });
    expect(await refusalOf(identify, { headers: { authorization: [ADA] } })).toMatchObject({
      message: 'No token found in Authorization header',
    });
    const twice = { headers: { authorization: [`Bearer ${ADA}`, `Bearer ${ADA}`] } };
    expect(await refusalOf(identify, twice)).toMatchObject({
      message: 'No token found in Authorization header',
    });
    const inQuery = { headers: {}, url: `/graphql?authorization=Bearer%20${ADA}&access_token=${ADA}` };
    expect(await refusalOf(identify, inQuery)).toMatchObject({ message: 'No Authorization header found' });
  });
});

describe('a key in a file', () => {
  it('is replaced and revoked while the server runs', async () => {
    await using folder = await createOpenDirectory();
    const keyFile = join(folder.path, 'ada.key');
    await writeFile(keyFile, `${ADA}\n`);
    const identify = createModule({ id: 'ada', keyFile });
    const outcome = (key: string) => () =>
      identify(bearer(key)).then(
        ({ id }) => id,
        ({ message }) => message,
      );
    expect(await outcome(ADA)()).toBe('ada');
    await writeFile(keyFile, BOB);
    const patient = { timeout: 15_000 };
    await expect.poll(outcome(BOB), patient).toBe('ada');
    expect(await outcome(ADA)()).toBe('Invalid API key');
    await rm(keyFile);
    await expect.poll(outcome(BOB), patient).toBe('Invalid API key');
  });

  it('opens nothing when it is empty or too short', async () => {
    await using folder = await createOpenDirectory();
    for (const [name, text] of [
      ['empty', ''],
      ['short', 'short'],
    ] as const) {
      const keyFile = join(folder.path, name);
      await writeFile(keyFile, text);
      const identify = createModule({ id: 'ada', keyFile });
      expect((await refusalOf(identify, bearer('short'))).message).toBe('Invalid API key');
    }
  });

  it('says nothing when the file cannot be read: 503', async () => {
    await using folder = await createOpenDirectory();
    const identify = createModule({ id: 'ada', keyFile: folder.path });
    expect((await refusalOf(identify, bearer(ADA))).code).toBe('AUTH_UNAVAILABLE');
  });
});
