/** Who may do what, tried for every root field of the schema and every action, over POST, SSE and WebSocket. */
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ACTIONS, type Action } from '../../src/types/action.ts';
import {
  type Result,
  TRANSPORTS,
  VIEWERS,
  type ViewerName,
  viewersConfig,
} from '../support/action-viewers.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type FakeBackend, startFakeBackend } from '../support/fake-backend.ts';
import { guardedFields } from '../support/nested-fields.ts';
import { getMarked, listPages } from '../support/readme.ts';
import { actionOf, type RootField, rootFields, toDocument } from '../support/root-fields.ts';

const toPolicyRow = (action: Action): string => {
  const needs = ({ field }: { readonly field: RootField['field'] }) => actionOf(field) === action;
  const names = [
    ...rootFields.filter(needs).map(({ field }) => `\`${field.name}\``),
    ...guardedFields.filter(needs).map(({ title }) => `\`${title}\``),
  ];
  return names.length === 0 ? '' : `| \`${action}\` | ${names.join(', ')} |\n`;
};

const page = listPages().find(({ path }) => path === 'docs/access.md');
if (page === undefined) throw new Error('The page is missing');
const written = getMarked(page, 'actions');
/** The action of each root field, as the page says. */
const policy = new Map(
  [...written.matchAll(/^\| `(\w+)` \| (.+) \|$/gm)].flatMap(([, action = '', fields = '']) =>
    [...fields.matchAll(/`(\w+)`/g)].map(([, field = '']) => [field, action as Action] as const),
  ),
);

const isAllowed = (viewer: ViewerName, { field }: RootField): boolean =>
  viewer === 'ADMIN' || viewer === policy.get(field.name);

const toAsked = (field: RootField) => ({ document: toDocument(field), title: field.title });

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
    config: viewersConfig,
  });
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
});

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
  it('has the table of actions and fields that the code declares', () => {
    const head = '| Action | Fields |\n| --- | --- |\n';
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
        const results = await ask(app, viewer, fields.map(toAsked));
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
      const results = await ask(app, viewer, fields.map(toAsked));
      const seen = fields.map((field, index) => [field.title, judge(results[index] ?? {}, field)] as const);
      expect(seen.filter(([, outcome]) => !THROUGH.includes(outcome))).toEqual([]);
      tried += fields.length;
    }
    // Each field is tried by who has its action, and by ADMIN.
    const ofAdmin = rootFields.filter(({ field }) => actionOf(field) === 'ADMIN').length;
    expect(tried).toBe(2 * rootFields.length - ofAdmin);
  });
});
