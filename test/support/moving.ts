/** The tables of docs/moving-from-lightspeed-stack.md as tests: every row has a check that tries what the row says. */
import { describe, expect, it } from 'vitest';
import { startTestApp, type TestApp } from './app.ts';
import { type FakeBackend, startFakeBackend } from './fake-backend.ts';
import { status } from './fake-backend-script.ts';
import { startMcpServer } from './mcp-server.ts';
import { listPages, type Page } from './readme.ts';

interface Row {
  /** The left cell without backticks; where it is empty, a plus and the code of the right one. */
  readonly key: string;
  /** The code in the left cell. */
  readonly old: readonly string[];
  /** The code in the right cell, which is what has to be tried. */
  readonly claimed: readonly string[];
}

/** Tries a row and resolves with what was sent and received, in which all code of the row's right cell has to stand. */
export type Check = (row: Row) => unknown;

function getPage(): Page {
  const page = listPages().find(({ path }) => path === 'docs/moving-from-lightspeed-stack.md');
  if (page === undefined) throw new Error('The page is missing');
  return page;
}

const listCode = (cell: string): readonly string[] =>
  [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);

function toRow(line: string): Row {
  const [left = '', right = ''] = line
    .split('|')
    .slice(1)
    .map((cell) => cell.trim());
  const claimed = listCode(right);
  const key = left === '' ? `+ ${claimed.join(', ')}` : left.replaceAll('`', '');
  return { key, old: listCode(left), claimed };
}

/** The lines under a heading. */
function listLines(heading: string): readonly string[] {
  const { text } = getPage();
  const section = text.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return section.split('\n');
}

/** The rows of the table under a heading, without its head. Throws when there is none. */
export function listRows(heading: string): readonly Row[] {
  const rows = listLines(heading)
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map(toRow);
  if (rows.length === 0) throw new Error(`There is no table under "${heading}"`);
  return rows;
}

/**
 * What stands on the left of the table under a heading, and as code in the text around it. Of `a.b`, `c` in one cell the
 * second is `a.c`, too.
 */
export function listNames(heading: string): ReadonlySet<string> {
  const rows = listRows(heading);
  const around = listLines(heading).filter((line) => !line.startsWith('|'));
  const left = rows.flatMap(({ key, old }) => {
    const section = old[0]?.replace(/[^.]+$/, '') ?? '';
    return [...key.split(', '), ...old, ...old.map((name) => `${section}${name}`)];
  });
  return new Set([...left, ...around.flatMap(listCode)]);
}

/** One test for each row, and one that no row is without a check and no check without a row. */
export function describeTable(heading: string, checks: Readonly<Record<string, Check>>): void {
  const rows = listRows(heading);
  describe(heading, () => {
    it('has a check for every row', () => {
      expect(rows.map(({ key }) => key)).toEqual(Object.keys(checks));
    });
    it.each(rows)('$key', async (row) => {
      const tried = JSON.stringify(await checks[row.key]?.(row)) ?? '';
      expect(row.claimed.filter((code) => !isNamed(tried, code))).toEqual([]);
    });
  });
}

function isNamed(tried: string, code: string): boolean {
  const start = /^\w/.test(code) ? '(?<!\\w)' : '';
  return new RegExp(`${start}${RegExp.escape(code)}(?!\\w)`).test(tried);
}

/** A server with all that the old one could have behind it: models, shields, vector stores and an MCP server. */
export interface MovingApp extends AsyncDisposable {
  readonly app: TestApp;
  readonly fake: FakeBackend;
}

/** The shield blocks what says "forbidden"; the backend `small` has room for a few words only. */
export async function startMovingApp(): Promise<MovingApp> {
  const models = ['fake-model', 'guard'].map((id) => ({ id, object: 'model' }));
  const fake = await startFakeBackend({ models });
  const mcp = await startMcpServer();
  fake.on('GET /v1/vector_stores', () =>
    status(200, { data: [{ id: 'vs_1', name: 'Manuals' }], has_more: false }),
  );
  fake.on('POST /v1/moderations', ({ body }) => {
    const flagged = String(body.input).includes('forbidden');
    return status(200, { id: 'm', model: 'guard', results: [{ flagged, categories: {} }] });
  });
  const backend = { baseUrl: fake.url, kind: 'llama-stack', capabilities: { shields: false } } as const;
  const app = await startTestApp({
    config: {
      backends: [
        { ...backend, id: 'fake' },
        { ...backend, id: 'small', contextWindow: 200 },
      ],
      inference: { defaultProvider: 'fake', defaultModel: 'fake-model' },
      shields: [{ id: 'guard', provider: 'fake', model: 'guard', message: 'That is not for me.' }],
      mcpServers: [
        {
          name: 'tickets',
          url: mcp.url,
          allowPrivateAddresses: true,
          headers: { 'X-Team': { from: 'client' } },
        },
      ],
    },
  });
  return {
    app,
    fake,
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]();
      await mcp[Symbol.asyncDispose]();
      await fake[Symbol.asyncDispose]();
    },
  };
}

export interface Sent {
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Result {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly { readonly message: string; readonly extensions: { readonly code: string } }[];
}

export async function post({ graphql }: TestApp, { headers, ...body }: Sent): Promise<Result> {
  const response = await fetch(graphql, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return (await response.json()) as Result;
}

/** Sends an operation that has to succeed; resolves with what was sent and received. */
export async function succeed(app: TestApp, sent: Sent) {
  const { data, errors } = await post(app, sent);
  expect(errors).toBeUndefined();
  return { ...sent, data: data ?? {} };
}

/** Sends an operation that has to be refused with this code. */
export async function beRefused(app: TestApp, code: string, sent: Sent) {
  const { errors = [] } = await post(app, sent);
  expect(errors.map(({ extensions }) => extensions.code)).toEqual([code]);
  return { ...sent, errors };
}

export interface AskedTurn {
  readonly id: string;
  readonly conversationId: string;
  readonly status: string;
  readonly answer: string;
}

/** Asks by the mutation `query` and waits for the answer. */
export async function ask(app: TestApp, input: Readonly<Record<string, unknown>>, headers = {}) {
  const query = `mutation ($input: QueryInput!) { query(input: $input) {
    turn { id status answer conversation { id } } } }`;
  const sent = { query, variables: { input: { query: 'Why?', ...input } }, headers };
  const { data } = await succeed(app, sent);
  const { turn } = (data as { query: { turn: AskedTurn & { conversation: { id: string } } } }).query;
  return { ...sent, turn: { ...turn, conversationId: turn.conversation.id } };
}
