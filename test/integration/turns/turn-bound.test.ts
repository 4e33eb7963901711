/** A turn holds a bounded amount of what a backend writes, whatever that is, and keeps the text that it had. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/types/json.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import {
  collectEvents,
  createViewer,
  joinTokens,
  startTestEngine,
  type TestEngine,
} from '../../support/engine.ts';
import { type FakeBackend, startFakeBackend } from '../../support/fake-backend.ts';
import { createGate, stream, textResponse } from '../../support/fake-backend-script.ts';
import {
  created,
  delta,
  fileSearch,
  functionCall,
  itemAdded,
  itemDone,
  openText,
} from '../../support/streams.ts';

const MAX_TURN_BYTES = 64 * 1024;
const KIB = 'x'.repeat(1_024);
const viewer = createViewer();
let db: TestDatabase;
let fake: FakeBackend;
let node: TestEngine;

beforeAll(async () => {
  db = await createTestDatabase();
  fake = await startFakeBackend();
  const config = { turns: { maxTurnBytes: MAX_TURN_BYTES } };
  node = await startTestEngine({ databaseUrl: db.url, backend: fake.url, config });
});
afterAll(async () => {
  await node[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
});

const repeat = (toEvent: (index: number) => JsonObject): readonly JsonObject[] =>
  Array.from({ length: 100 }, (_, index) => toEvent(index));

const FLOODS: readonly { readonly what: string; readonly events: readonly JsonObject[] }[] = [
  { what: 'text', events: repeat(() => delta(KIB)) },
  {
    what: 'reasoning',
    events: repeat(() => ({ type: 'response.reasoning_text.delta', output_index: 0, delta: KIB })),
  },
  {
    what: 'tool results',
    events: repeat((index) =>
      itemDone({ ...fileSearch([{ filename: 'f', text: KIB, score: 1 }]), id: `fs_${index}` }, index + 1),
    ),
  },
  {
    what: 'calls that never come',
    events: repeat((index) => itemAdded({ ...functionCall, id: `fc_${index}`, name: KIB }, index + 1)),
  },
  {
    what: 'citations',
    events: repeat(() => ({
      type: 'response.output_text.annotation.added',
      annotation: { type: 'url_citation', url: 'https://example.org', title: KIB },
    })),
  },
];

describe('a backend without end', () => {
  it.each(FLOODS)(
    'of $what ends the turn with BACKEND_PROTOCOL, and the text is kept',
    async ({ events }) => {
      const never = createGate();
      const script = [created, openText(), delta('Kept.'), ...events];
      fake.reply(stream(script, { holds: { [script.length]: never } }));
      const { turn } = await node.engine.start(viewer, { query: 'Endless?' });
      const followed = await collectEvents(node.engine, viewer, { turnId: turn.id });
      expect(followed.at(-1)).toMatchObject({
        type: 'error',
        error: {
          code: 'BACKEND_PROTOCOL',
          cause: `A turn may hold ${MAX_TURN_BYTES} bytes (turns.maxTurnBytes)`,
        },
      });
      const stored = await node.engine.get(viewer, turn.id);
      expect(stored).toMatchObject({ status: 'FAILED', answer: joinTokens(followed) });
      expect(stored.answer).toMatch(/^Kept\./);
      await fake.responses.at(-1)?.closed;
      expect(fake.responses.at(-1)?.aborted).toBe(true);
    },
  );

  it('does not concern an answer within the bound, though its events repeat the text', async () => {
    const text = KIB.repeat(60);
    fake.reply(stream(textResponse(text, { pieces: [text.slice(0, 50), text.slice(50)] })));
    const { turn } = await node.engine.start(viewer, { query: 'Long?' });
    const followed = await collectEvents(node.engine, viewer, { turnId: turn.id });
    expect(followed.at(-1)).toMatchObject({ type: 'end', finishReason: 'STOP' });
  });
});
