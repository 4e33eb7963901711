/** Promise P8: a reader that stops reading while tokens flow is cut with a valid cursor, and loses nothing. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestNodes, type TestApp, type TestNodes } from '../support/app.ts';
import { type FakeBackend, startFakeBackend } from '../support/fake-backend.ts';
import { stream, textResponse } from '../support/fake-backend-script.ts';
import { readMetric } from '../support/metrics.ts';
import {
  FOLLOWED_FIELDS,
  type OpenReader,
  PAUSED_READERS,
  type ReadEvent,
} from '../support/paused-reader.ts';

const STALL_MS = 1_000;
/** More than the kernels of both sides keep for one connection. */
const PIECES = Array.from({ length: 1_600 }, (_, index) => `${index} `.padEnd(10 * 1_024, 'x'));
const TEXT = PIECES.join('');
const SLOW = { timeout: 60_000, interval: 100 };

const ASK = `subscription($input: StreamingQueryInput!) { streamingQuery(input: $input) { ${FOLLOWED_FIELDS} } }`;
const RESUME = `subscription($turnId: ID!, $after: Cursor) { turnEvents(turnId: $turnId, after: $after) { ${FOLLOWED_FIELDS} } }`;

let fake: FakeBackend;
let both: TestNodes;

beforeAll(async () => {
  fake = await startFakeBackend();
  both = await startTestNodes({
    backend: fake.url,
    config: { turns: { followerStallMs: STALL_MS } },
  });
});
afterAll(async () => {
  await both[Symbol.asyncDispose]();
  await fake[Symbol.asyncDispose]();
});

/** Everything after the cursor, on the other node, by a reader that reads. */
async function resume(open: OpenReader, other: TestApp, last: ReadEvent): Promise<readonly ReadEvent[]> {
  const variables = { turnId: last.turnId, after: last.cursor };
  const reader = await open(other.url, { query: RESUME, variables });
  return (await reader.readToEnd()).events;
}

function toText(events: readonly ReadEvent[]): string {
  return events.map(({ token = '' }) => token).join('');
}

describe.each(PAUSED_READERS)('P8: a reader of $name that stops reading', ({ name, open }) => {
  it('is cut, told so where it can be, and resumes on another node without loss', async () => {
    const [app, other] = both.nodes;
    fake.reply(stream(textResponse(TEXT, { pieces: PIECES })));
    const cutBefore = await readMetric(app, 'millrace_readers_cut_total', { transport: name });
    const reader = await open(app.url, { query: ASK, variables: { input: { query: 'Much?' } } });
    reader.pause();
    await expect
      .poll(() => readMetric(app, 'millrace_readers_cut_total', { transport: name }), SLOW)
      .toBe(cutBefore + 1);
    const { events, closeCode } = await reader.readToEnd();
    expect(closeCode).toBe(name === 'websocket' ? 1013 : null);
    const last = events.at(-1);
    if (!last) throw new Error('Nothing was read');
    expect(last.__typename).toBe('TokenEvent');
    const rest = await resume(open, other, last);
    const all = [...events, ...rest];
    expect(all.map(({ fromSeq }) => fromSeq)).toEqual([1, ...all.slice(0, -1).map(({ seq }) => seq + 1)]);
    expect(toText(all) === TEXT).toBe(true);
    expect(all.at(-2)?.answer === TEXT).toBe(true);
    expect(all.at(-1)?.__typename).toBe('EndEvent');
    await expect.poll(() => readMetric(app, 'millrace_waiting_bytes', { transport: name }), SLOW).toBe(0);
  }, 120_000);
});
