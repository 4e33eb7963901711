/** Which vector stores a backend has, and which a question searches when it names none. */
import { expect, test } from 'vitest';
import { createBackend } from '../../../src/backend/client.ts';
import { toBackendConfig } from '../../support/backend-config.ts';
import { type FakeBackend, startFakeBackend } from '../../support/fake-backend.ts';
import { type Script, status } from '../../support/fake-backend-script.ts';

const never = new AbortController().signal;
const ROUTE = 'GET /v1/vector_stores';

function offerStores(fake: FakeBackend): void {
  fake.on(ROUTE, ({ path }) =>
    path.includes('after=vs_2')
      ? status(200, { data: [{ id: 'vs_3' }], has_more: false })
      : status(200, {
          data: [
            { id: 'vs_1', name: 'Manuals' },
            { id: 'vs_2', name: null },
          ],
          has_more: true,
        }),
  );
}

test('all pages are read, once for all callers', async () => {
  await using fake = await startFakeBackend();
  offerStores(fake);
  const backend = createBackend(toBackendConfig(fake.url, { kind: 'llama-stack' }));
  const [stores, ids] = await Promise.all([
    backend.knownVectorStores(never),
    backend.defaultVectorStores(never),
  ]);
  expect(stores).toEqual([
    { id: 'vs_1', name: 'Manuals' },
    { id: 'vs_2', name: null },
    { id: 'vs_3', name: null },
  ]);
  expect(ids).toEqual(['vs_1', 'vs_2', 'vs_3']);
  expect(fake.journal.map(({ path }) => path)).toEqual([
    '/v1/vector_stores?limit=100',
    '/v1/vector_stores?limit=100&after=vs_2',
  ]);
});

test.each([
  ['llama-stack', undefined, ['vs_1', 'vs_2', 'vs_3']],
  ['ogx', undefined, ['vs_1', 'vs_2', 'vs_3']],
  ['openai', undefined, []],
  ['other', undefined, []],
  ['other', 'all', ['vs_1', 'vs_2', 'vs_3']],
  ['llama-stack', 'none', []],
  ['llama-stack', ['vs_9'], ['vs_9']],
] as const)(
  'a question that names none searches, at %s with %s: %j',
  async (kind, vectorStores, expected) => {
    await using fake = await startFakeBackend();
    offerStores(fake);
    const backend = createBackend(toBackendConfig(fake.url, { kind, vectorStores }));
    expect(await backend.defaultVectorStores(never)).toEqual(expected);
  },
);

test('only the backend knows the stores of a server of no known kind, and of one that has no such list', async () => {
  await using fake = await startFakeBackend();
  for (const kind of ['other', 'llama-stack'] as const) {
    const backend = createBackend(toBackendConfig(fake.url, { kind }));
    expect(await backend.knownVectorStores(never)).toBeUndefined();
    expect(await backend.defaultVectorStores(never)).toEqual([]);
  }
});

test.each([
  ['other', ['vs_9'], ['vs_9']],
  ['llama-stack', ['vs_8', 'vs_9'], ['vs_8', 'vs_9']],
  ['other', [], undefined],
  ['other', 'none', undefined],
] as const)(
  'a backend (%s) that lists no stores has those that the configuration names: %j',
  async (kind, vectorStores, expected) => {
    await using fake = await startFakeBackend();
    const backend = createBackend(toBackendConfig(fake.url, { kind, vectorStores }));
    const stores = await backend.knownVectorStores(never);
    expect(stores?.map(({ id }) => id)).toEqual(expected);
  },
);

test('a backend that lists its stores has all of them, whichever the configuration names', async () => {
  await using fake = await startFakeBackend();
  offerStores(fake);
  const backend = createBackend(toBackendConfig(fake.url, { kind: 'openai', vectorStores: ['vs_9'] }));
  expect(await backend.knownVectorStores(never)).toHaveLength(3);
});

test.each<[Script, string]>([
  [status(500), 'BACKEND_ERROR'],
  [status(503), 'BACKEND_UNAVAILABLE'],
  [status(200, { data: 'none' }), 'BACKEND_PROTOCOL'],
])('a list that fails is not an empty one: %j', async (script, code) => {
  await using fake = await startFakeBackend();
  fake.on(ROUTE, () => script);
  const backend = createBackend(toBackendConfig(fake.url, { kind: 'llama-stack' }));
  await expect(backend.defaultVectorStores(never)).rejects.toMatchObject({ code });
});

test('stores that are known beforehand need no request', async () => {
  await using fake = await startFakeBackend();
  const vectorStores = [{ id: 'local', name: 'Documents' }];
  const backend = createBackend(toBackendConfig(fake.url), { vectorStores });
  expect(await backend.knownVectorStores(never)).toEqual(vectorStores);
  expect(await backend.defaultVectorStores(never)).toEqual(['local']);
  expect(fake.journal).toEqual([]);
});
