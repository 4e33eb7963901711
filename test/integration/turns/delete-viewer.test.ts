/** Deleting everything of a viewer: what is gone at once, what the job erases, what stays, and that nothing comes back. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Jobs } from '../../../src/jobs/jobs.ts';
import { newId } from '../../../src/lib/ids.ts';
import { hashViewerId } from '../../../src/transcripts/transcript.ts';
import { deleteMyData, registerDeleteViewer } from '../../../src/turns/delete-viewer.ts';
import type { Viewer } from '../../../src/types/viewer.ts';
import { recordChanges } from '../../support/conversation-changes.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createViewer, startTestEngine, type TestEngine } from '../../support/engine.ts';
import { type FakeBackend, startFakeBackend } from '../../support/fake-backend.ts';
import { createGate, stream, textResponse } from '../../support/fake-backend-script.ts';
import { startTestJobs } from '../../support/jobs.ts';
import { createOpenDirectory } from '../../support/postgres.ts';
import { insertTenantRows, listTenantTables } from '../../support/tenant-rows.ts';

const hmacKey = 'k'.repeat(32);
/** What says nothing of what was said, and is needed without the person's help: who did what, and that limits hold. */
const KEPT = ['audit_log', 'limiter_balance', 'quota_ledger'];

let db: TestDatabase;
let fake: FakeBackend;
let node: TestEngine;
let jobs: Jobs & AsyncDisposable;
let folder: Awaited<ReturnType<typeof createOpenDirectory>>;
let ada: Viewer;
let eve: Viewer;

beforeAll(async () => {
  db = await createTestDatabase();
  folder = await createOpenDirectory();
  const held = { ...stream(textResponse('Held for long.')), holds: { 5: createGate() } };
  fake = await startFakeBackend({ onResponse: () => held });
  node = await startTestEngine({
    databaseUrl: db.url,
    backend: fake.url,
    policy: { can: (_viewer, action) => action === 'QUERY_OTHERS_CONVERSATIONS' },
  });
  jobs = await startTestJobs(db.url);
  const config = { transcripts: { enabled: true, directory: folder.path, hmacKey, redactions: [] } };
  registerDeleteViewer(jobs, { database: db.database, engine: node.engine, jobs, config });
  jobs.work('delete-backend-conversation', async () => {});
  await jobs.start();
});
afterAll(async () => {
  await jobs[Symbol.asyncDispose]();
  await node[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});
beforeEach(() => {
  ada = createViewer();
  eve = createViewer();
});

function deletion(viewer: Viewer) {
  const { announcer, announced } = recordChanges();
  return { done: deleteMyData({ database: db.database, jobs, announcer }, viewer), announced };
}

/** In which tables the viewer is named, and where somebody's words are. */
async function listTraces(viewer: Viewer): Promise<readonly string[]> {
  const found: string[] = [];
  for (const table of await listTenantTables(db.database.driver)) {
    const rows = await db.database
      .driver`SELECT row_to_json(each)::text AS text FROM ${db.database.driver(table)} AS each`;
    if (rows.some(({ text }) => text.includes(viewer.id))) found.push(table);
  }
  return found;
}

const erased = (viewer: Viewer) => expect.poll(() => listTraces(viewer), { timeout: 20_000 });

it('leaves no trace of the person but what is kept on purpose, and all of others', async () => {
  await insertTenantRows(db.database.driver, ada.id);
  const ofEve = await insertTenantRows(db.database.driver, eve.id);
  const before = await listTraces(eve);
  const { done, announced } = deletion(ada);
  expect(await done).toEqual({ conversations: 1, turns: 1, uploads: 1, feedback: 1 });
  expect(announced).toMatchObject([{ kind: 'CONVERSATION_REMOVED', ownerId: ada.id }]);
  await erased(ada).toEqual(KEPT);
  expect(await listTraces(eve)).toEqual(before);
  expect(await db.database.driver`SELECT answer FROM turn WHERE id = ${ofEve.turnId}`).toMatchObject([
    { answer: 'a secret answer' },
  ]);
  const [usage] = await db.database
    .driver`SELECT input_tokens AS tokens FROM token_usage WHERE owner_id = ''`;
  expect(Number(usage?.tokens)).toBeGreaterThan(0);
});

it('hides everything in the same moment, also what still runs, and nothing of that comes back', async () => {
  const { turn } = await node.engine.start(ada, { query: `I am ${ada.id}.` });
  const following = await node.engine.follow(ada, { turnId: turn.id }, new AbortController().signal);
  await deletion(ada).done;
  await expect(node.engine.get(ada, turn.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  const events = (await Array.fromAsync(following)).flat();
  expect(events.at(-1)).toMatchObject({ type: 'interrupted', reason: 'CONVERSATION_DELETED' });
  await erased(ada).toEqual(['audit_log']);
});

it('erases what was asked in conversations of others, and leaves these to them', async () => {
  const { conversationId } = await insertTenantRows(db.database.driver, eve.id);
  const { turn } = await node.engine.start(ada, { query: `I am ${ada.id}.`, conversationId });
  await deletion(ada).done;
  // The audit log knows of the question and of the deletion.
  await erased(ada).toEqual(['audit_log']);
  expect(await node.engine.get(eve, turn.id)).toMatchObject({ query: '', answer: '', status: 'INTERRUPTED' });
});

it('is the same when it is done again, and is written down without what was deleted', async () => {
  await insertTenantRows(db.database.driver, ada.id);
  await deletion(ada).done;
  expect(await deletion(ada).done).toEqual({ conversations: 0, turns: 0, uploads: 0, feedback: 0 });
  const audit = await db.database.driver`SELECT actor_id, subject_id, target_kind, target_id FROM audit_log
    WHERE action = 'DELETE_MY_DATA' AND actor_id = ${ada.id}`;
  const row = { actor_id: ada.id, subject_id: ada.id, target_kind: null, target_id: null };
  expect([...audit]).toEqual([row, row]);
});

it('deletes the transcripts of the viewer and of nobody else', async () => {
  for (const viewer of [ada, eve]) {
    const path = join(folder.path, hashViewerId(viewer.id, hmacKey), newId());
    await mkdir(path, { recursive: true });
    await writeFile(join(path, 'turn.json'), '{}');
  }
  await deletion(ada).done;
  await expect
    .poll(() => readdir(folder.path), { timeout: 20_000 })
    .not.toContain(hashViewerId(ada.id, hmacKey));
  expect(await readdir(folder.path)).toContain(hashViewerId(eve.id, hmacKey));
});

it('leaves the viewer who they are: what they do afterwards is kept', async () => {
  await insertTenantRows(db.database.driver, ada.id);
  await deletion(ada).done;
  const { turn } = await node.engine.start(ada, { query: 'Again.' });
  await erased(ada).toEqual(['audit_log', 'conversation', 'limiter_balance', 'quota_ledger', 'turn']);
  expect(await node.engine.get(ada, turn.id)).toMatchObject({ query: 'Again.' });
});
