/** Persisted operations: the manifests that are read, and what may be sent in each mode over each transport. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createPersistedOperations } from '../../../src/server/persisted-operations.ts';
import { SENDERS } from '../../support/attack-senders.ts';
import { createOpenDirectory } from '../../support/postgres.ts';
import { startTransportServer } from '../../support/transport-server.ts';

const HELLO = 'query Hello { hello }';
const ID = 'ac8b1c4f';
const TICKS = 'subscription Ticks { ticks(n: 1) }';

const APOLLO = {
  format: 'apollo-persisted-query-manifest',
  version: 1,
  operations: [
    { id: ID, name: 'Hello', type: 'query', body: HELLO },
    { id: 'ticks', name: 'Ticks', type: 'subscription', body: TICKS },
    { id: 'dear', name: 'Dear', type: 'query', body: 'query Dear { hello viewer requestId operationId }' },
  ],
};
const MAPPING = { [ID]: HELLO, ticks: TICKS };

type Mode = 'off' | 'allow' | 'require';

async function withManifest<T>(content: unknown, run: (path: string) => Promise<T>): Promise<T> {
  await using folder = await createOpenDirectory();
  const path = join(folder.path, 'operations.json');
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  return await run(path);
}

const read = (content: unknown, mode: Mode = 'allow') =>
  withManifest(content, (manifest) => createPersistedOperations({ persistedOperations: { mode, manifest } }));

const startServer = (mode: Mode) =>
  withManifest(APOLLO, (manifest) =>
    startTransportServer({
      config: { persistedOperations: { mode, manifest }, limits: { document: { cost: 3 } } },
    }),
  );

describe('a manifest', () => {
  it.each([
    ['of Apollo', APOLLO],
    ['of Relay or Code Generator', MAPPING],
  ])('%s gives each id its text', async (_whose, manifest) => {
    const { resolve } = await read(manifest);
    expect(resolve({ documentId: ID })).toMatchObject({ query: HELLO });
    expect(resolve({ documentId: `sha256:${ID}` })).toMatchObject({ query: HELLO });
    expect(resolve({ doc_id: ID })).toMatchObject({ query: HELLO });
    expect(resolve({ query: '', extensions: { documentId: ID } })).toMatchObject({ query: HELLO });
    expect(resolve({ extensions: { persistedQuery: { version: 1, sha256Hash: ID } } })).toMatchObject({
      query: HELLO,
    });
  });

  it.each([
    ['that is no JSON', '{', /must be JSON/],
    ['of another shape', ['x'], /must be JSON/],
    ['with an operation that is no GraphQL', { a: '{' }, /has no GraphQL document under "a": Syntax Error/],
  ])('%s is refused in one line', async (_what, content, message) => {
    await expect(read(content)).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
      message: expect.stringMatching(message),
    });
  });

  it('that is not there is refused in one line', async () => {
    const persistedOperations = { mode: 'allow', manifest: '/nowhere/operations.json' } as const;
    await expect(createPersistedOperations({ persistedOperations })).rejects.toThrow(
      /cannot be read \(ENOENT\)/,
    );
  });

  it('gives no text for names that every object has', async () => {
    const { resolve } = await read(MAPPING);
    for (const id of ['__proto__', 'constructor', 'toString']) {
      expect(() => resolve({ documentId: id })).toThrow('PersistedQueryNotFound');
    }
  });
});

/** Under which name each transport can carry an id: the message of a WebSocket has a `query` always. */
const toNamed = (id: string) => ({
  POST: { documentId: id },
  GET: { extensions: { persistedQuery: { version: 1, sha256Hash: id } } },
  SSE: { doc_id: id },
  WebSocket: { query: '', extensions: { documentId: id } },
});
const NAMED = toNamed(ID);
const transports = ['POST', 'GET', 'SSE', 'WebSocket'] as const;

const toEndpoints = ({ endpoint, socketUrl }: { readonly endpoint: string; readonly socketUrl: string }) => ({
  graphql: endpoint,
  ws: socketUrl,
});

describe.each(transports)('over %s', (name) => {
  const send = SENDERS[name];

  it('allow: an operation may be named or sent; an id that nobody knows is told', async () => {
    await using server = await startServer('allow');
    const to = toEndpoints(server);
    expect(await send(to, { query: undefined, ...NAMED[name] })).toMatchObject({
      codes: [],
      text: expect.stringContaining('Hello, world'),
    });
    expect((await send(to, { query: '{ viewer }' })).codes).toEqual([]);
    const unknown = { query: '', extensions: { persistedQuery: { version: 1, sha256Hash: 'no' } } };
    expect((await send(to, unknown)).codes).toEqual(['PERSISTED_QUERY_NOT_FOUND']);
  });

  it('an operation that is named may cost no more than others', async () => {
    await using server = await startServer('require');
    const dear = { query: undefined, ...toNamed('dear')[name] };
    expect((await send(toEndpoints(server), dear)).codes).toEqual(['OPERATION_TOO_COMPLEX']);
  });

  it('require: only the operations of the manifest run, by id or as they stand there', async () => {
    await using server = await startServer('require');
    const to = toEndpoints(server);
    expect((await send(to, { query: undefined, ...NAMED[name] })).codes).toEqual([]);
    expect((await send(to, { query: HELLO })).codes).toEqual([]);
    expect((await send(to, { query: '{ viewer }' })).codes).toEqual(['PERSISTED_QUERY_REQUIRED']);
    const smuggled = { query: '{ viewer }', extensions: { documentId: 'no' } };
    expect((await send(to, smuggled)).codes).toEqual(['PERSISTED_QUERY_NOT_FOUND']);
    const both = await send(to, { ...NAMED[name], query: '{ viewer }' });
    expect(both.text).toContain('Hello, world');
  });
});

it('a subscription is named like any other operation', async () => {
  await using server = await startServer('require');
  const sent = { query: '', extensions: { documentId: 'ticks' } };
  for (const name of ['SSE', 'multipart', 'WebSocket'] as const) {
    const answer = await SENDERS[name](toEndpoints(server), sent);
    expect(answer).toMatchObject({ codes: [], text: expect.stringContaining('"ticks":0') });
  }
});

it('off: an id is a parameter like any that nobody knows', async () => {
  await using server = await startTransportServer();
  const { codes } = await SENDERS.POST(toEndpoints(server), { query: '{ hello }', ...NAMED.POST });
  expect(codes).toEqual(['BAD_REQUEST']);
});
