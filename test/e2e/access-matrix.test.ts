/** Who may do what, tried for every root field of the schema and every action, over POST, SSE and WebSocket. */
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ACTIONS, type Action } from '../../src/types/action.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type FakeBackend, startFakeBackend } from '../support/fake-backend.ts';
import { openAcknowledged } from '../support/raw-socket.ts';
import { getMarked, listPages } from '../support/readme.ts';
import { actionOf, type RootField, rootFields, toDocument } from '../support/root-fields.ts';

/** One viewer for each action, who may do that and nothing else, and one who may do nothing. */
const VIEWERS = [...ACTIONS, 'nothing'] as const;
type ViewerName = (typeof VIEWERS)[number];

const toKey = (viewer: ViewerName): string => `key-of-${viewer}-0123456789`;
const toPolicyRow = (action: Action): string => {
  const names = rootFields
    .filter(({ field }) => actionOf(field) === action)
    .map(({ field }) => `\`${field.name}\``);
  return names.length === 0 ? '' : `| \`${action}\` | ${names.join(', ')} |\n`;
};

const page = listPages().find(({ path }) => path === 'docs/access.md');
if (page === undefined) throw new Error('The page is missing');
const written = getMarked(page, 'actions');
/** The action of each field, as the page says. */
const policy = new Map(
  [...written.matchAll(/^\| `(\w+)` \| (.+) \|$/gm)].flatMap(([, action = '', fields = '']) =>
    [...fields.matchAll(/`(\w+)`/g)].map(([, field = '']) => [field, action as Action] as const),
  ),
);

const isAllowed = (viewer: ViewerName, { field }: RootField): boolean =>
  viewer === 'ADMIN' || viewer === policy.get(field.name);

interface Result {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly { readonly message: string; readonly extensions: { readonly code: string } }[];
}

/** What the result says: that the action is missing, or something else, which only who has it can see. */
function judge({ data, errors = [] }: Result, { field }: RootField): string {
  const [error] = errors;
  if (error?.extensions.code !== 'FORBIDDEN') return error?.extensions.code ?? (data ? 'data' : 'nothing');
  const isEmpty = Object.values(data ?? {}).every((value) => value === null);
  const message = `User does not have permission to perform ${actionOf(field)}`;
  return isEmpty && errors.length === 1 && error.message === message ? 'denied' : `odd: ${error.message}`;
}

let fake: FakeBackend;
let database: TestDatabase;
let app: TestApp;
beforeAll(async () => {
  fake = await startFakeBackend();
  database = await createTestDatabase();
  app = await startTestApp({
    backend: fake.url,
    databaseUrl: database.url,
    config: {
      authentication: {
        module: 'api-key-token',
        apiKey: { keys: VIEWERS.map((viewer) => ({ id: viewer, roles: [viewer], key: toKey(viewer) })) },
      },
      authorization: { accessRules: ACTIONS.map((action) => ({ role: action, actions: [action] })) },
    },
  });
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
});

/** The first result of a request; what is left of a stream is not read. */
async function request(viewer: ViewerName, query: string, accept: string): Promise<Result> {
  const response = await fetch(app.graphql, {
    method: 'POST',
    headers: { authorization: `Bearer ${toKey(viewer)}`, 'content-type': 'application/json', accept },
    body: JSON.stringify({ query }),
  });
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString();
    const json = /^data: (\{.+\})$/m.exec(text)?.[1] ?? /^(\{"payload".+\})\r?$/m.exec(text)?.[1];
    if (json === undefined) continue;
    const result = JSON.parse(json) as Result & { readonly payload?: Result };
    return result.payload ?? result;
  }
  return JSON.parse(text) as Result;
}

type Ask = (viewer: ViewerName, fields: readonly RootField[]) => Promise<readonly Result[]>;

/** One after the other; subscriptions by the protocol of multipart. */
const overPost: Ask = (viewer, fields) =>
  Array.fromAsync(fields, (field) => {
    const isSubscription = field.root.name === 'Subscription';
    const accept = isSubscription ? 'multipart/mixed;subscriptionSpec=1.0' : 'application/json';
    return request(viewer, toDocument(field), accept);
  });

const overSse: Ask = (viewer, fields) =>
  Array.fromAsync(fields, (field) => request(viewer, toDocument(field), 'text/event-stream'));

const overWebSocket: Ask = async (viewer, fields) => {
  const raw = await openAcknowledged(app.ws, { authorization: `Bearer ${toKey(viewer)}` });
  const results = await Array.fromAsync(fields, async (field): Promise<Result> => {
    const id = field.title;
    raw.send({ id, type: 'subscribe', payload: { query: toDocument(field) } });
    const { type, payload } = await raw.receive((message) => message.id === id);
    raw.send({ id, type: 'complete' });
    return type === 'error' ? { errors: payload as NonNullable<Result['errors']> } : (payload as Result);
  });
  raw.socket.close();
  await raw.closed;
  return results;
};

const TRANSPORTS: readonly (readonly [name: string, ask: Ask])[] = [
  ['POST', overPost],
  ['SSE', overSse],
  ['WebSocket', overWebSocket],
];

/** Rows of every table. */
async function countRows(): Promise<ReadonlyMap<string, number>> {
  const sql = postgres(database.url, { max: 1 });
  const tables = await sql<
    { name: string }[]
  >`SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`;
  const counts = await Array.fromAsync(tables, async ({ name }) => {
    const [row] = await sql<{ count: number }[]>`SELECT count(*)::int AS count FROM ${sql(name)}`;
    return [name, row?.count ?? -1] as const;
  });
  await sql.end();
  return new Map(counts);
}

describe('the page on access', () => {
  it('has the table of actions and root fields that the code declares', () => {
    const head = '| Action | Root fields |\n| --- | --- |\n';
    expect(written).toBe((head + ACTIONS.map(toPolicyRow).join('')).trim());
    expect(policy.size).toBe(rootFields.length);
  });
});

describe('a viewer without the action', () => {
  it.each(TRANSPORTS)(
    'is refused every field over %s; nothing is called and nothing stored',
    async (_name, ask) => {
      const [calls, rows] = [fake.journal.length, await countRows()];
      let tried = 0;
      for (const viewer of VIEWERS) {
        const fields = rootFields.filter((field) => !isAllowed(viewer, field));
        const results = await ask(viewer, fields);
        const seen = fields.map((field, index) => [viewer, field.title, judge(results[index] ?? {}, field)]);
        expect(seen).toEqual(fields.map(({ title }) => [viewer, title, 'denied']));
        tried += fields.length;
      }
      expect(tried).toBeGreaterThan(rootFields.length * (VIEWERS.length - 3));
      expect(rows.size).toBeGreaterThan(10);
      expect(await countRows()).toEqual(rows);
      expect(fake.journal.length).toBe(calls);
    },
  );
});

describe('a viewer with the action', () => {
  /** What the documents of this test get from a server that lets them through. */
  const THROUGH = ['data', 'NOT_FOUND', 'BAD_USER_INPUT', 'UNAUTHENTICATED'];

  it.each(TRANSPORTS)('gets through to every field over %s', async (_name, ask) => {
    let tried = 0;
    for (const viewer of VIEWERS) {
      const fields = rootFields.filter((field) => isAllowed(viewer, field));
      const results = await ask(viewer, fields);
      const seen = fields.map((field, index) => [field.title, judge(results[index] ?? {}, field)] as const);
      expect(seen.filter(([, outcome]) => !THROUGH.includes(outcome))).toEqual([]);
      tried += fields.length;
    }
    // Each field is tried by who has its action, and by ADMIN.
    const ofAdmin = rootFields.filter(({ field }) => actionOf(field) === 'ADMIN').length;
    expect(tried).toBe(2 * rootFields.length - ofAdmin);
  });
});
