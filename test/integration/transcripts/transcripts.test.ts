/** Transcripts of turns in Postgres, as files. */
import { createHmac } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configSchema } from '../../../src/config/config.ts';
import { newId } from '../../../src/lib/ids.ts';
import { writeTranscript } from '../../../src/transcripts/transcripts.ts';
import { insertConversation, insertTurn } from '../../support/conversation-rows.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { createOpenDirectory } from '../../support/postgres.ts';

const KEY = 'a key of enough characters';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(async () => {
  await db[Symbol.asyncDispose]();
});

function depsFor(directory: string, values: Readonly<Record<string, unknown>> = {}) {
  const transcripts = { enabled: true, directory, hmacKey: KEY, ...values };
  return { database: db.database, config: configSchema.parse({ transcripts }) };
}

/** A turn of a viewer who is nobody else's, in a folder of its own. */
async function createCase() {
  const folder = await createOpenDirectory();
  const ownerId = `../../${newId()}`;
  const conversationId = await insertConversation(db.database.driver, { ownerId });
  const turnId = await insertTurn(db.database.driver, { conversationId, ownerId });
  const viewer = createHmac('sha256', KEY).update(ownerId).digest('hex');
  const place = join(folder.path, 'transcripts', viewer, conversationId);
  return {
    folder: join(folder.path, 'transcripts'),
    conversationId,
    turnId,
    viewer,
    place,
    path: join(place, `${turnId}.json`),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

const listAll = (folder: string) => readdir(folder, { recursive: true }).catch(() => []);

describe('a transcript', () => {
  it('holds the turn with everything that was said in it, and the viewer only as a hash', async () => {
    await using made = await createCase();
    const { driver } = db.database;
    await driver`UPDATE turn SET request = '{"provider": "local", "model": "m"}' WHERE id = ${made.turnId}`;
    await driver`UPDATE tool_call SET status = 'SUCCESS', raw_status = 'ok', content = 'found', round = 1
      WHERE turn_id = ${made.turnId}`;
    await writeTranscript(depsFor(made.folder), made.turnId);
    expect(JSON.parse(await readFile(made.path, 'utf8'))).toEqual({
      metadata: {
        provider: 'local',
        model: 'extractive',
        query_provider: 'local',
        query_model: 'm',
        user_id: made.viewer,
        conversation_id: made.conversationId,
        turn_id: made.turnId,
        status: 'COMPLETED',
        timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
      },
      redacted_query: 'a secret question',
      query_is_valid: true,
      llm_response: 'a secret answer',
      rag_chunks: [{ content: 'secret', source: 'file', score: 1 }],
      truncated: false,
      attachments: [{ attachment_type: 'log', content_type: 'text/plain', content: 'secret' }],
      tool_calls: [{ id: 'c', name: 'search', args: { q: 'secret' }, type: 'FUNCTION_CALL' }],
      tool_results: [
        { id: 'c', status: 'SUCCESS', raw_status: 'ok', content: 'found', type: 'FUNCTION_CALL', round: 1 },
      ],
    });
  });

  it('is for the eyes of the server alone', async () => {
    await using made = await createCase();
    await writeTranscript(depsFor(made.folder), made.turnId);
    const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);
    expect(await modeOf(made.path)).toBe('600');
    expect([await modeOf(made.folder), await modeOf(made.place)]).toEqual(['700', '700']);
  });

  it('has its question redacted', async () => {
    await using made = await createCase();
    const redactions = [{ pattern: 'secret\\s' }];
    await writeTranscript(depsFor(made.folder, { redactions }), made.turnId);
    const { redacted_query } = JSON.parse(await readFile(made.path, 'utf8'));
    expect(redacted_query).toBe('a [redacted]question');
  });

  it('says that a question which a shield blocked was not valid', async () => {
    await using made = await createCase();
    await db.database.driver`UPDATE turn SET finish_reason = 'SHIELD_BLOCKED' WHERE id = ${made.turnId}`;
    await writeTranscript(depsFor(made.folder), made.turnId);
    expect(JSON.parse(await readFile(made.path, 'utf8'))).toMatchObject({ query_is_valid: false });
  });
});

describe('writing a transcript', () => {
  it('again, also twice at once, gives the same file and leaves nothing else behind', async () => {
    await using made = await createCase();
    const deps = depsFor(made.folder);
    await Promise.all([writeTranscript(deps, made.turnId), writeTranscript(deps, made.turnId)]);
    const first = await readFile(made.path, 'utf8');
    await writeFile(made.path, 'half of i');
    await writeTranscript(deps, made.turnId);
    expect(await readFile(made.path, 'utf8')).toBe(first);
    expect(await readdir(made.place)).toEqual([`${made.turnId}.json`]);
  });

  it('leaves nothing behind when it fails', async () => {
    await using made = await createCase();
    await writeTranscript(depsFor(made.folder), made.turnId);
    await db.database.driver`UPDATE turn SET query = ${`${'a'.repeat(60)}!`} WHERE id = ${made.turnId}`;
    const before = await readFile(made.path, 'utf8');
    const deps = depsFor(made.folder, { redactions: [{ pattern: '(a+)+$' }] });
    await expect(writeTranscript(deps, made.turnId)).rejects.toThrow('could not be redacted');
    expect(await readFile(made.path, 'utf8')).toBe(before);
    expect(await readdir(made.place)).toEqual([`${made.turnId}.json`]);
  });

  it('rejects when the folder cannot be made, so that it is tried again', async () => {
    await using made = await createCase();
    await writeFile(made.folder, 'a file');
    await expect(writeTranscript(depsFor(made.folder), made.turnId)).rejects.toMatchObject({
      code: expect.stringMatching(/ENOTDIR|EEXIST/),
    });
  });

  it.each(['../../etc/passwd', '', 'x/y', `${newId()}/..`])('refuses the turn id %j', async (turnId) => {
    await using made = await createCase();
    await expect(writeTranscript(depsFor(made.folder), turnId)).rejects.toThrow(
      'cannot be the name of a file',
    );
    expect(await listAll(made.folder)).toEqual([]);
  });

  it('refuses a conversation whose id means something in a path', async () => {
    await using made = await createCase();
    const conversationId = await insertConversation(db.database.driver, {
      id: '../'.repeat(15),
      ownerId: 'ada',
    });
    const turnId = await insertTurn(db.database.driver, { conversationId, ownerId: 'ada' });
    await expect(writeTranscript(depsFor(made.folder), turnId)).rejects.toThrow(
      'cannot be the name of a file',
    );
    expect(await listAll(made.folder)).toEqual([]);
  });
});

describe('there is no transcript', () => {
  const isNotWritten = async (made: Awaited<ReturnType<typeof createCase>>, values = {}) => {
    await writeTranscript(depsFor(made.folder, values), made.turnId);
    expect(await listAll(made.folder)).toEqual([]);
  };

  it('while transcripts are off', async () => {
    await using made = await createCase();
    await isNotWritten(made, { enabled: false });
  });

  it('of a turn that runs', async () => {
    await using made = await createCase();
    await db.database
      .driver`UPDATE turn SET status = 'RUNNING', completed_at = NULL WHERE id = ${made.turnId}`;
    await isNotWritten(made);
  });

  it('of a turn in a deleted conversation', async () => {
    await using made = await createCase();
    await db.database.driver`UPDATE conversation SET deleted_at = now() WHERE id = ${made.conversationId}`;
    await isNotWritten(made);
  });

  it('of a turn that does not exist', async () => {
    await using made = await createCase();
    await isNotWritten({ ...made, turnId: newId() });
  });
});
