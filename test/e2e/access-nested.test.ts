/** Who may read what lies below a root field: what reads something else needs the action of the field that reads that. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ACTIONS, type Action } from '../../src/types/action.ts';
import {
  openAsViewer,
  type Result,
  TRANSPORTS,
  toFullKey,
  type ViewerName,
  viewersConfig,
} from '../support/action-viewers.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { type FakeBackend, startFakeBackend } from '../support/fake-backend.ts';
import {
  guardedFields,
  type NestedField,
  OPEN_FIELDS,
  type Route,
  readingFields,
  routes,
} from '../support/nested-fields.ts';
import type { Message } from '../support/raw-socket.ts';
import { actionOf } from '../support/root-fields.ts';

const UPDATES = 'conversationUpdates';

let fake: FakeBackend;
let app: TestApp;
beforeAll(async () => {
  fake = await startFakeBackend();
  app = await startTestApp({ backend: fake.url, config: viewersConfig });
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
});

/** What the viewer asks by the key that allows everything. */
async function askAll(viewer: ViewerName, query: string) {
  const response = await fetch(app.graphql, {
    method: 'POST',
    headers: { authorization: `Bearer ${toFullKey(viewer)}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  return (await response.json()) as { readonly data: { readonly query: { readonly turn: Owned } } };
}

interface Owned {
  readonly id: string;
  readonly conversationId: string;
}

const ASK = 'mutation { query(input: { query: "x" }) { turn { id conversationId } } }';

/** Arguments that name what is the viewer's own. */
function toArgs(name: string, { id, conversationId }: Owned): Readonly<Record<string, string>> {
  const ids = { provider: '"fake"', conversation: `"${conversationId}"` }[name] ?? `"${id}"`;
  return { id: ids, turnId: `"${id}"`, conversationId: `"${conversationId}"` };
}

function judge({ data, errors = [] }: Result, { field }: NestedField): string {
  const isEmpty = Object.values(data ?? {}).every((value) => Object.keys(value ?? {}).length === 0);
  if (errors.length === 0) return isEmpty ? 'nothing' : 'data';
  const message = `User does not have permission to perform ${actionOf(field)}`;
  const isRefusal = errors.every(
    (error) =>
      error.extensions.code === 'FORBIDDEN' && error.message === message && error.path?.at(-1) === field.name,
  );
  return isRefusal ? 'denied there' : `odd: ${JSON.stringify(errors)}`;
}

const toExpected = (viewer: ViewerName, { field }: NestedField): string =>
  viewer === 'ADMIN' || viewer === actionOf(field) ? 'data' : 'denied there';

describe('fields that read something', () => {
  it('declare an action, or are part of what they lie in', () => {
    const open = readingFields.filter(({ field }) => actionOf(field) === undefined);
    expect(open.map(({ title }) => title).sort()).toEqual(Object.keys(OPEN_FIELDS).sort());
    expect(guardedFields.filter(({ field }) => !ACTIONS.includes(actionOf(field) as Action))).toEqual([]);
  });

  it('are reached from several root fields', () => {
    expect(new Set(routes.map(({ nested }) => nested.title)).size).toBe(guardedFields.length);
    expect(routes.length).toBeGreaterThan(15);
  });

  it.each(TRANSPORTS)('let through over %s who has their action, and nobody else', async (_name, ask) => {
    const direct = routes.filter(({ from }) => from.field.name !== UPDATES);
    const viewers = new Set(direct.map(({ from }) => actionOf(from.field) as ViewerName)).add('ADMIN');
    for (const viewer of viewers) {
      const { turn } = (await askAll(viewer, ASK)).data.query;
      const mine = direct.filter(({ from }) => viewer === 'ADMIN' || actionOf(from.field) === viewer);
      const asked = mine.map(({ title, from, toDocument }) => ({
        title,
        document: toDocument(toArgs(from.field.name, turn)),
      }));
      const results = await ask(app, viewer, asked);
      const seen = mine.map(({ title, nested }, index) => [
        viewer,
        title,
        judge(results[index] ?? {}, nested),
      ]);
      expect(seen).toEqual(mine.map(({ title, nested }) => [viewer, title, toExpected(viewer, nested)]));
    }
  });

  it('are refused in what changes, too', async () => {
    for (const viewer of ['LIST_CONVERSATIONS', 'ADMIN'] as const) {
      const raw = await openAsViewer(app, viewer);
      const updates = routes.filter(({ from }) => from.field.name === UPDATES);
      for (const { title: id, toDocument } of updates) {
        raw.send({ id, type: 'subscribe', payload: { query: toDocument({}) } });
        await raw.receive((message) => message.id === id);
      }
      await askAll(viewer, ASK);
      const seen = await Promise.all(
        updates.map(async (route) => {
          const { payload } = await raw.receive((message) => isAboutField(message, route));
          return [viewer, route.title, judge(payload as Result, route.nested)];
        }),
      );
      expect(seen).toEqual(updates.map(({ title, nested }) => [viewer, title, toExpected(viewer, nested)]));
      expect(seen.length).toBeGreaterThan(2);
      raw.socket.close();
      await raw.closed;
    }
  });
});

/** Whether a change had the nested field to give: an error, or more than the empty object of other changes. */
function isAboutField({ id, payload }: Message, { title }: Route): boolean {
  if (id !== title) return false;
  const { data, errors } = payload as Result;
  return errors !== undefined || Object.keys(data?.[UPDATES] ?? {}).length > 0;
}
