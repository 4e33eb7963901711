/** Uploads in the store and in questions: whose they are, how long, and how much of them goes into one request. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDefaultPolicy } from '../../../src/auth/policy.ts';
import { createUpload, getUpload, type Upload } from '../../../src/uploads/uploads.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { collectEvents, createViewer, startTestEngine, type TestEngine } from '../../support/engine.ts';
import { type FakeBackend, startFakeBackend } from '../../support/fake-backend.ts';
import { createContext, run } from '../../support/graphql.ts';
import { PNG } from '../../support/refusals.ts';

let db: TestDatabase;
let fake: FakeBackend;
let node: TestEngine;

beforeAll(async () => {
  db = await createTestDatabase();
  fake = await startFakeBackend();
  node = await startTestEngine({ databaseUrl: db.url, backend: fake.url });
});
afterAll(async () => {
  await node[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
});

const policy = createDefaultPolicy({ localOperator: false });
const limits = { uploadsPerViewer: 4 };
const upload = (viewer = createViewer(), bytes = Buffer.from('x'), contentType = 'text/plain') =>
  createUpload({ database: db.database, policy, limits }, viewer, { contentType, bytes });

const age = (id: string, minutes: number) =>
  db.database
    .driver`UPDATE upload SET created_at = now() - make_interval(mins => ${minutes}) WHERE id = ${id}`;

const NOT_FOUND = { code: 'NOT_FOUND', message: 'Upload not found' };

describe('an upload', () => {
  it('comes back to its owner byte for byte', async () => {
    const viewer = createViewer();
    const bytes = Buffer.concat([PNG, Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))]);
    const { id, expiresAt, ...facts } = await upload(viewer, bytes, 'image/png');
    expect(facts).toEqual({ contentType: 'image/png', byteSize: 264 });
    const left = expiresAt.getTime() - Date.now();
    expect(left).toBeGreaterThan(59 * 60_000);
    expect(left).toBeLessThan(61 * 60_000);
    expect(await getUpload(db, viewer, id.toUpperCase())).toEqual({ id, expiresAt, ...facts, bytes });
  });

  it('does not exist for another viewer', async () => {
    const { id } = await upload();
    await expect(getUpload(db, createViewer(), id)).rejects.toMatchObject(NOT_FOUND);
  });

  it('is gone after an hour, and swept away by a later upload', async () => {
    const viewer = createViewer();
    const { id } = await upload(viewer);
    await age(id, 59);
    expect(await getUpload(db, viewer, id)).toMatchObject({ id });
    await age(id, 60);
    await expect(getUpload(db, viewer, id)).rejects.toMatchObject(NOT_FOUND);
    await upload();
    expect(await db.database.driver`SELECT 1 FROM upload WHERE id = ${id}`).toHaveLength(0);
  });

  it('is one of at most as many as are allowed, also when all come at once', async () => {
    const viewer = createViewer();
    const settled = await Promise.allSettled(Array.from({ length: 9 }, () => upload(viewer)));
    const kept = settled.filter((result): result is PromiseFulfilledResult<Upload> => 'value' in result);
    const refused = settled.flatMap((result) => ('reason' in result ? [result.reason] : []));
    expect([kept.length, refused.length]).toEqual([4, 5]);
    expect(refused[0]).toMatchObject({ code: 'RATE_LIMITED', message: /At most 4 uploads/ });
    await age(kept[0]?.value.id ?? '', 61);
    expect(await upload(viewer)).toMatchObject({ byteSize: 1 });
  });

  it('is not taken from a viewer who could not use it', async () => {
    const making = createUpload(
      { database: db.database, policy: { can: () => false }, limits },
      createViewer(),
      {
        contentType: 'text/plain',
        bytes: Buffer.from('x'),
      },
    );
    await expect(making).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });
});

describe('a question with uploads', () => {
  it('sends their texts behind the query and their images as parts of their own', async () => {
    const viewer = createViewer();
    const log = 'z'.repeat(600_000);
    const { id: logId } = await upload(viewer, Buffer.from(log), 'text/plain');
    const { id: imageId } = await upload(viewer, PNG, 'image/png');
    const count = fake.responses.length;
    const { turn } = await node.engine.start(viewer, {
      query: 'Why?',
      generateTopicSummary: false,
      attachments: [
        { attachmentType: 'image', contentType: 'image/png', content: { uploadId: imageId } },
        { attachmentType: 'log', contentType: 'text/plain', content: { uploadId: logId } },
      ],
    });
    await collectEvents(node.engine, viewer, { turnId: turn.id });
    const image_url = `data:image/png;base64,${PNG.toString('base64')}`;
    expect(fake.responses[count]?.body.input).toEqual([
      {
        role: 'user',
        content: [
          { type: 'input_text', text: `Why?\n\n[Attachment: log]\n${log}` },
          expect.objectContaining({ type: 'input_image', image_url }),
        ],
      },
    ]);
    const next = await node.engine.start(viewer, { query: 'And?', conversationId: turn.conversationId });
    await collectEvents(node.engine, viewer, { turnId: next.turn.id });
    const sent = JSON.stringify(fake.responses[count + 1]?.body.input);
    expect(sent).not.toContain(PNG.toString('base64'));
  });

  it('names an image of an earlier question and sends its texts again', async () => {
    const viewer = createViewer();
    const { turn } = await node.engine.start(viewer, {
      query: 'Why?',
      generateTopicSummary: false,
      attachments: [
        { attachmentType: 'image', contentType: 'image/png', content: { base64: PNG.toString('base64') } },
        { attachmentType: 'log', contentType: 'text/plain', content: { text: 'x' } },
      ],
    });
    await collectEvents(node.engine, viewer, { turnId: turn.id });
    const count = fake.responses.length;
    const next = await node.engine.start(viewer, { query: 'And?', conversationId: turn.conversationId });
    await collectEvents(node.engine, viewer, { turnId: next.turn.id });
    expect(fake.responses[count]?.body.input).toMatchObject([
      { role: 'user', content: 'Why?\n\n[Attachment: image]\n\n[Attachment: log]\nx' },
      { role: 'assistant' },
      { role: 'user', content: 'And?' },
    ]);
  });

  it('finds its turn again when they have expired', async () => {
    const viewer = createViewer();
    const { id } = await upload(viewer);
    const question = {
      query: 'Why?',
      generateTopicSummary: false,
      clientTurnId: 'k',
      attachments: [{ attachmentType: 'log', contentType: 'text/plain', content: { uploadId: id } }],
    };
    const { turn } = await node.engine.start(viewer, question);
    await collectEvents(node.engine, viewer, { turnId: turn.id });
    await age(id, 61);
    expect(await node.engine.start(viewer, question)).toMatchObject({
      turn: { id: turn.id },
      created: false,
    });
    await expect(node.engine.start(viewer, { ...question, clientTurnId: 'another' })).rejects.toMatchObject(
      NOT_FOUND,
    );
  });

  it.each([
    ['another’s', () => upload(), 1, NOT_FOUND],
    [
      'one of another type',
      (viewer: ReturnType<typeof createViewer>) => upload(viewer, Buffer.from('{}'), 'application/json'),
      1,
      { code: 'BAD_USER_INPUT', message: 'Invalid attribute value' },
    ],
    [
      'more than 20 MiB together',
      (viewer: ReturnType<typeof createViewer>) => upload(viewer, Buffer.alloc(2_200_000, 0x61)),
      10,
      { code: 'BAD_USER_INPUT', message: /20971520 bytes together/ },
    ],
  ])('is refused with %s, and nothing is stored or called', async (_what, make, times, refusal) => {
    const viewer = createViewer();
    const { id } = await make(viewer);
    const calls = fake.responses.length;
    const attachment = { attachmentType: 'log', contentType: 'text/plain', content: { uploadId: id } };
    const asking = node.engine.start(viewer, {
      query: 'Why?',
      generateTopicSummary: false,
      attachments: Array.from({ length: times }, () => attachment),
    });
    await expect(asking).rejects.toMatchObject(refusal);
    expect(await db.database.driver`SELECT 1 FROM conversation WHERE owner_id = ${viewer.id}`).toHaveLength(
      0,
    );
    expect(fake.responses.length).toBe(calls);
  });
});

describe('an import with uploads', () => {
  const importDocuments = `mutation ($input: ImportDocumentsInput!) {
    importDocuments(input: $input) { documents { outcome document { name byteSize } } }
  }`;
  const context = () => createContext({ services: { database: db.database } });

  it('takes documents that are too large to be inline', async () => {
    const viewer = createViewer();
    const text = `# Large\n\n${'Rivers carry sand.\n\n'.repeat(60_000)}`;
    const { id } = await upload(viewer, Buffer.from(text), 'text/markdown');
    const source = { name: 'large.md', format: 'MARKDOWN', content: { uploadId: id } };
    const small = { name: 'small.md', format: 'MARKDOWN', content: { text: 'Small.' } };
    const result = await run(
      importDocuments,
      { ...context(), viewer },
      { input: { documents: [small, source] } },
    );
    expect(result).toEqual({
      data: {
        importDocuments: {
          documents: [
            { outcome: 'CREATED', document: { name: 'small.md', byteSize: 6 } },
            { outcome: 'CREATED', document: { name: 'large.md', byteSize: Buffer.byteLength(text) } },
          ],
        },
      },
    });
  });

  it('takes no image, and nothing of another viewer’s', async () => {
    const viewer = createViewer();
    const image = await upload(viewer, PNG, 'image/png');
    for (const [asking, message] of [
      [viewer, 'Invalid attribute value'],
      [createViewer(), 'Upload not found'],
    ] as const) {
      const source = { name: 'image.md', format: 'MARKDOWN', content: { uploadId: image.id } };
      const { errors } = await run(
        importDocuments,
        { ...context(), viewer: asking },
        { input: { documents: [source] } },
      );
      expect(errors?.map((error) => error.message)).toEqual([message]);
    }
  });
});
