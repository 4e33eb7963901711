/** Ids of what is somebody else's and ids of nothing: over every transport they get the same answer, at every place that takes an id. */
import { type GraphQLInputType, getNamedType, isInputObjectType } from 'graphql';
import postgres, { type Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSchema } from '../../../src/graphql/schema.ts';
import { toCursor, toCursorPrefix } from '../../../src/lib/cursor.ts';
import { newId } from '../../../src/lib/ids.ts';
import { startTestApp, type TestApp } from '../../support/app.ts';
import { SENDERS, SENDERS_OF } from '../../support/attack-senders.ts';
import { type FakeBackend, startFakeBackend } from '../../support/fake-backend.ts';
import { insertTenantRows } from '../../support/tenant-rows.ts';

type Kind = 'query' | 'mutation' | 'subscription';
/** What there is of somebody, or might be. */
interface Ids {
  readonly conversationId: string;
  readonly turnId: string;
  readonly uploadId: string;
  readonly cursor: string;
}
type Case = readonly [kind: Kind, code: string, operation: (ids: Ids) => string];

const QUESTION = 'query: "Why?"';
const ask = (field: 'startTurn' | 'query', input: string) =>
  `mutation { ${field}(input: { ${QUESTION}, ${input} }) { outcome } }`;
const stream = (input: string) =>
  `subscription { streamingQuery(input: { ${QUESTION}, ${input} }) { __typename } }`;
const attach = (uploadId: string) =>
  `attachments: [{ attachmentType: "log", contentType: "text/plain", content: { uploadId: "${uploadId}" } }]`;
const feedback = (input: string) =>
  `mutation { submitFeedback(input: { question: "q", answer: "a", sentiment: 1, ${input} }) { feedback { id } } }`;

const CASES: Readonly<Record<string, Case>> = {
  'conversation.id': ['query', 'NOT_FOUND', (ids) => `{ conversation(id: "${ids.conversationId}") { id } }`],
  'conversations.ownerId': [
    'query',
    'FORBIDDEN',
    () => '{ conversations(ownerId: "somebody") { edges { cursor } } }',
  ],
  'referencedDocuments.conversationId': [
    'query',
    'NOT_FOUND',
    (ids) => `{ referencedDocuments(conversationId: "${ids.conversationId}") { edges { cursor } } }`,
  ],
  'turn.id': ['query', 'NOT_FOUND', (ids) => `{ turn(id: "${ids.turnId}") { id query } }`],
  'cancelTurn.input.turnId': [
    'mutation',
    'NOT_FOUND',
    (ids) => `mutation { cancelTurn(input: { turnId: "${ids.turnId}" }) { outcome } }`,
  ],
  'deleteConversation.input.conversationId': [
    'mutation',
    'NOT_FOUND',
    (ids) =>
      `mutation { deleteConversation(input: { conversationId: "${ids.conversationId}" }) { outcome } }`,
  ],
  'renameConversation.input.conversationId': [
    'mutation',
    'NOT_FOUND',
    (ids) =>
      `mutation { renameConversation(input: { conversationId: "${ids.conversationId}", topicSummary: "Mine" }) { conversation { id } } }`,
  ],
  'submitFeedback.input.conversationId': [
    'mutation',
    'NOT_FOUND',
    (ids) => feedback(`conversationId: "${ids.conversationId}"`),
  ],
  'submitFeedback.input.turnId': [
    'mutation',
    'NOT_FOUND',
    (ids) => feedback(`conversationId: "${mine.conversationId}", turnId: "${ids.turnId}"`),
  ],
  'startTurn.input.conversationId': [
    'mutation',
    'NOT_FOUND',
    (ids) => ask('startTurn', `conversationId: "${ids.conversationId}"`),
  ],
  'query.input.conversationId': [
    'mutation',
    'NOT_FOUND',
    (ids) => ask('query', `conversationId: "${ids.conversationId}"`),
  ],
  'streamingQuery.input.conversationId': [
    'subscription',
    'NOT_FOUND',
    (ids) => stream(`conversationId: "${ids.conversationId}"`),
  ],
  'startTurn.input.attachments.content.uploadId': [
    'mutation',
    'NOT_FOUND',
    (ids) => ask('startTurn', attach(ids.uploadId)),
  ],
  'query.input.attachments.content.uploadId': [
    'mutation',
    'NOT_FOUND',
    (ids) => ask('query', attach(ids.uploadId)),
  ],
  'streamingQuery.input.attachments.content.uploadId': [
    'subscription',
    'NOT_FOUND',
    (ids) => stream(attach(ids.uploadId)),
  ],
  'importDocuments.input.documents.content.uploadId': [
    'mutation',
    'NOT_FOUND',
    (ids) =>
      `mutation { importDocuments(input: { documents: [{ name: "a.md", format: MARKDOWN, content: { uploadId: "${ids.uploadId}" } }] }) { __typename } }`,
  ],
  'turnEvents.turnId': [
    'subscription',
    'NOT_FOUND',
    (ids) => `subscription { turnEvents(turnId: "${ids.turnId}") { __typename } }`,
  ],
  'turnEvents.after': [
    'subscription',
    'CURSOR_INVALID',
    (ids) => `subscription { turnEvents(turnId: "${mine.turnId}", after: "${ids.cursor}") { __typename } }`,
  ],
};

/** Where ids are taken that are nobody's, or that mean nothing outside of the viewer's own. */
const NOT_OWNED: Readonly<Record<string, string>> = {
  after: "a place in a list that is the viewer's own",
  before: "a place in a list that is the viewer's own",
  clientTurnId: "a key of the viewer's own: that of another is a new one (turns/idempotency.test.ts)",
  'streamingQuery.input.after': 'with clientTurnId, in the turn that this names',
  documentId: 'documents are shared',
  provider: 'backends are shared',
  'adjustQuota.input.viewerId': 'whoever may adjust quotas may adjust those of everybody',
  'provider.id': 'backends are shared',
  shieldIds: 'shields are shared',
  vectorStoreIds: 'vector stores are shared',
};

function listIdPaths(): readonly string[] {
  const schema = createSchema();
  const walk = (path: string, type: GraphQLInputType): readonly string[] => {
    const named = getNamedType(type);
    const isId = ['ID', 'Cursor'].includes(named.name) || path.endsWith('clientTurnId');
    const fields = isInputObjectType(named) ? Object.values(named.getFields()) : [];
    return [...(isId ? [path] : []), ...fields.flatMap((field) => walk(`${path}.${field.name}`, field.type))];
  };
  return [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]
    .flatMap((root) => Object.values(root?.getFields() ?? {}))
    .flatMap((field) => field.args.flatMap((arg) => walk(`${field.name}.${arg.name}`, arg.type)));
}

const unknownIds = (): Ids => {
  const turnId = newId();
  return {
    conversationId: newId(),
    turnId,
    uploadId: newId(),
    cursor: toCursor(toCursorPrefix(turnId), 1, 1),
  };
};

let fake: FakeBackend;
let app: TestApp;
let driver: Sql;
let foreign: Ids;
let mine: Ids;
beforeAll(async () => {
  fake = await startFakeBackend();
  app = await startTestApp({ backend: fake.url });
  driver = postgres(app.databaseUrl, { max: 1, onnotice: () => {} });
  const { text } = await SENDERS.POST(app, { query: '{ viewer { id } }' });
  foreign = await insertIds('somebody');
  mine = await insertIds(JSON.parse(text).data.viewer.id);
});
afterAll(async () => {
  await driver.end();
  await app[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
});

async function insertIds(ownerId: string): Promise<Ids> {
  const rows = await insertTenantRows(driver, ownerId);
  const [upload] = await driver<{ id: string }[]>`SELECT id FROM upload WHERE owner_id = ${ownerId}`;
  return { ...rows, uploadId: upload?.id ?? '', cursor: toCursor(toCursorPrefix(rows.turnId), 1, 1) };
}

const VARYING = /[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/g;

it('has a case, or a reason to have none, for every place that takes an id', () => {
  const paths = listIdPaths();
  expect(paths.length).toBeGreaterThan(25);
  const open = paths.filter((path) => {
    const last = path.split('.').at(-1) ?? '';
    return !(path in CASES) && !(path in NOT_OWNED) && !(last in NOT_OWNED);
  });
  expect(open).toEqual([]);
  expect(Object.keys(CASES).filter((path) => !paths.includes(path))).toEqual([]);
});

describe.each(Object.entries(CASES))('P10: %s', (_path, [kind, code, toOperation]) => {
  it.each(SENDERS_OF[kind])(
    'answers the same to an id of somebody else and to an unknown one, over %s',
    async (name) => {
      const send = SENDERS[name];
      const known = await send(app, { query: toOperation(foreign) });
      const unknown = await send(app, { query: toOperation(unknownIds()) });
      expect(known.codes).toEqual([code]);
      const toForm = ({ text }: { readonly text: string }) => text.replaceAll(VARYING, 'ID');
      expect(toForm(known)).toBe(toForm(unknown));
      expect(known.text).not.toContain('secret');
      expect(fake.responses).toEqual([]);
    },
  );
});
