/** Deleting what a backend keeps of a conversation: real Postgres, the real job queue, a backend that is only asked to delete. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Backend } from '../../../src/backend/backend.ts';
import { createBackendRegistry } from '../../../src/backend/registry.ts';
import { deleteConversation, eraseConversation } from '../../../src/conversations/conversations.ts';
import { registerDeleteAtBackend } from '../../../src/conversations/delete-at-backend.ts';
import { AppError } from '../../../src/errors.ts';
import { newId } from '../../../src/lib/ids.ts';
import { recordChanges } from '../../support/conversation-changes.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { only } from '../../support/graphql.ts';
import { startTestJobs, type TestJobs } from '../../support/jobs.ts';

const ada = { id: 'ada', name: 'Ada', roles: ['*'] };

let db: TestDatabase;
let jobs: TestJobs;
let asked: string[];
let failures: number;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db[Symbol.asyncDispose]());
beforeEach(async () => {
  asked = [];
  failures = 0;
  jobs = await startTestJobs(db.url);
  const deleteAtBackend = async (id: string): Promise<void> => {
    asked.push(id);
    failures -= 1;
    if (failures >= 0) throw new AppError('BACKEND_UNAVAILABLE', 'Unable to connect to the backend');
  };
  const backend = only<Backend>('backend', { id: 'fake', deleteConversation: deleteAtBackend });
  registerDeleteAtBackend(jobs, { registry: createBackendRegistry([backend]), log: jobs.log });
  await jobs.start();
});
afterEach(() => jobs[Symbol.asyncDispose]());

const depsOf = () => ({ ...recordChanges(), jobs, database: db.database, policy: { can: () => false } });

async function insert(provider: string | null, backendId: string | null): Promise<string> {
  const id = newId();
  await db.database.driver`INSERT INTO conversation (id, owner_id, backend_provider, backend_conversation_id)
    VALUES (${id}, ${ada.id}, ${provider}, ${backendId})`;
  return id;
}

describe('a deleted conversation', () => {
  it('is deleted at the backend that keeps it, once', async () => {
    const backendId = newId();
    const id = await insert('fake', backendId);
    await deleteConversation(depsOf(), ada, id);
    await eraseConversation(depsOf(), id);
    await deleteConversation(depsOf(), ada, id);
    const other = newId();
    await deleteConversation(depsOf(), ada, await insert('fake', other));
    await expect.poll(() => asked.toSorted()).toEqual([backendId, other].toSorted());
  });

  it('is deleted there too when its turn opened that conversation after the deletion', async () => {
    const backendId = newId();
    const id = await insert(null, null);
    await deleteConversation(depsOf(), ada, id);
    await db.database.driver`UPDATE conversation
      SET backend_provider = 'fake', backend_conversation_id = ${backendId} WHERE id = ${id}`;
    await eraseConversation(depsOf(), id);
    await expect.poll(() => asked).toEqual([backendId]);
  });

  it('is gone at once and stays gone while the backend is away, which is asked again', async () => {
    failures = 2;
    const backendId = newId();
    const id = await insert('fake', backendId);
    expect(await deleteConversation(depsOf(), ada, id)).toEqual({ id, outcome: 'DELETED' });
    await expect.poll(() => asked, { timeout: 15_000 }).toEqual([backendId, backendId, backendId]);
    const [row] = await db.database
      .driver`SELECT deleted_at IS NOT NULL AS is_deleted FROM conversation WHERE id = ${id}`;
    expect(row).toEqual({ is_deleted: true });
  });

  it('is left to a backend that is no longer configured, and the log says so', async () => {
    await deleteConversation(depsOf(), ada, await insert('former', newId()));
    await expect
      .poll(() => jobs.log.lines)
      .toEqual([{ level: 'warn', message: 'a conversation stays at a backend that is not configured' }]);
  });
});
