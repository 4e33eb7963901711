import { describe, expect, it } from 'vitest';
import {
  type ConversationChange,
  createAnnouncer,
  toOwnerKey,
} from '../../../src/conversations/announcer.ts';
import type { Database } from '../../../src/db/client.ts';
import { AppError } from '../../../src/errors.ts';
import { only } from '../../support/graphql.ts';
import { createRecordedLog } from '../../support/recorded-log.ts';

/** A database that keeps the notifications, and fails while it is away. */
function createPost() {
  const sent: unknown[] = [];
  const state = { isAway: false, running: 0, mostRunning: 0 };
  const database = only<Database>('database', {
    notify: async (_channel, payload) => {
      state.running += 1;
      state.mostRunning = Math.max(state.mostRunning, state.running);
      await Promise.resolve();
      state.running -= 1;
      if (state.isAway) throw new AppError('DEPENDENCY_UNAVAILABLE', 'away');
      sent.push(JSON.parse(payload));
    },
  });
  return { database, sent, state };
}

const toChange = (conversationId: string): ConversationChange => ({
  kind: 'CONVERSATION_UPSERT',
  ownerId: 'ada',
  conversationId,
});
const toNote = (conversationId: string) => [toOwnerKey('ada'), 'CONVERSATION_UPSERT', conversationId];

describe('the announcer', () => {
  it('tells what is announced in one go in one notification', async () => {
    const { database, sent } = createPost();
    await using announcer = createAnnouncer({ database, log: createRecordedLog() });
    for (const id of ['c1', 'c2']) announcer.announce(toChange(id));
    await expect.poll(() => sent).toEqual([[toNote('c1'), toNote('c2')]]);
  });

  it('keeps what it cannot send and sends it later', async () => {
    const { database, sent, state } = createPost();
    const log = createRecordedLog();
    await using announcer = createAnnouncer({ database, log });
    state.isAway = true;
    announcer.announce(toChange('c1'));
    await expect.poll(() => log.lines).toHaveLength(1);
    state.isAway = false;
    await expect.poll(() => sent, { timeout: 5_000 }).toEqual([[toNote('c1')]]);
  });

  it('says that everything may have changed when more waits than it keeps', async () => {
    const { database, sent } = createPost();
    await using announcer = createAnnouncer({ database, log: createRecordedLog() });
    for (let index = 0; index < 1_500; index += 1) announcer.announce(toChange(`c${index}`));
    await expect.poll(() => sent).toContainEqual('everything');
    const told = sent.filter(Array.isArray).flat();
    expect(told.length).toBeLessThan(1_000);
  });

  it('has one notification on its way at a time, each well below the 8,000 bytes of Postgres', async () => {
    const { database, sent, state } = createPost();
    await using announcer = createAnnouncer({ database, log: createRecordedLog() });
    const ids = Array.from({ length: 500 }, (_, index) => String(index).padStart(48, '0'));
    for (const id of ids) announcer.announce(toChange(id));
    await expect.poll(() => sent.flat().length).toBe(500);
    expect(sent.flat()).toEqual(ids.map(toNote));
    expect(state.mostRunning).toBe(1);
    expect(Math.max(...sent.map((message) => JSON.stringify(message).length))).toBeLessThan(7_000);
  });

  it('sends what is left when it is disposed', async () => {
    const { database, sent } = createPost();
    const announcer = createAnnouncer({ database, log: createRecordedLog() });
    announcer.announce(toChange('c1'));
    announcer.announce(toChange('c2'));
    await announcer[Symbol.asyncDispose]();
    expect(sent.flat()).toEqual([toNote('c1'), toNote('c2')]);
  });
});
