/** kill -9 of the real process in the middle of a turn, and a restart on the same data directory. */
import { createClient } from 'graphql-ws';
import { expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { parseCursor, toCursor, toCursorPrefix } from '../../src/lib/cursor.ts';
import { startProcess, type TestProcess } from '../support/child-process.ts';
import { type FakeBackend, startFakeBackend } from '../support/fake-backend.ts';
import { createGate, stream, textResponse } from '../support/fake-backend-script.ts';
import { createOpenDirectory } from '../support/postgres.ts';

interface SeenEvent {
  readonly __typename: string;
  readonly cursor: string;
  readonly seq: number;
  readonly fromSeq: number;
  readonly turnId: string;
  readonly token?: string;
  readonly reason?: string;
  readonly answer?: string;
  readonly discardAfterSeq?: number;
}

const EVENT = `{ __typename ... on TurnEvent { cursor seq fromSeq turnId } ... on TokenEvent { token }
  ... on InterruptedEvent { reason answer } ... on ResetEvent { discardAfterSeq } }`;
/** Lease and sweep, from the moment at which there is a node. */
const TAKEOVER_MS = 20_000;

async function serve(dataDir: string, fake: FakeBackend): Promise<{ process: TestProcess; url: string }> {
  const env = {
    OPENAI_BASE_URL: fake.url,
    OPENAI_API_KEY: 'key',
    MILLRACE_DATA_DIR: dataDir,
    PORT: '0',
    LOG_LEVEL: 'error',
  };
  const process = startProcess('src/main.ts', ['serve'], env);
  const screen = await process.waitFor('Ctrl+C');
  const url = /http:\/\/127\.0\.0\.1:\d+\/graphql/.exec(screen)?.[0] ?? '';
  return { process, url: url.replace('http', 'ws') };
}

/** Follows until enough has come, or to the end. */
async function follow(url: string, field: string, enough: (events: readonly SeenEvent[]) => boolean) {
  const client = createClient({ url, webSocketImpl: WebSocket, retryAttempts: 0 });
  const events: SeenEvent[] = [];
  for await (const { data, errors } of client.iterate<{ event: SeenEvent }>({
    query: `subscription { event: ${field} ${EVENT} }`,
  })) {
    if (errors || !data) throw new Error(JSON.stringify(errors));
    events.push(data.event);
    if (enough(events)) break;
  }
  await client.dispose();
  return events;
}

const join = (events: readonly SeenEvent[]): string => events.map((event) => event.token ?? '').join('');

it('P6: the turn ends within 20 s of a node being there, with its partial answer, and a follower with a later cursor is reset', async () => {
  await using directory = await createOpenDirectory();
  await using fake = await startFakeBackend();
  const gate = createGate();
  fake.reply({
    ...stream(textResponse('One two three.', { pieces: ['One ', 'two ', 'three.'] })),
    holds: { 6: gate },
  });
  const first = await serve(directory.path, fake);
  await using _first = first.process;
  const seen = await follow(
    first.url,
    'streamingQuery(input: { query: "Count." })',
    (events) => join(events) === 'One two ',
  );
  const turnId = seen[0]?.turnId ?? '';
  const stored = await expectStored(first.url, turnId);
  first.process.send('SIGKILL');
  await first.process.exit;
  gate.release();

  const second = await serve(directory.path, fake);
  await using _second = second.process;
  const thereAt = performance.now();
  const epoch = parseCursor(seen[0]?.cursor ?? '')?.epoch ?? 0;
  const later = toCursor(toCursorPrefix(turnId), epoch, stored + 7);
  const [whole, reset] = await Promise.all([
    follow(second.url, `turnEvents(turnId: "${turnId}")`, () => false),
    follow(second.url, `turnEvents(turnId: "${turnId}", after: "${later}")`, () => false),
  ]);
  expect(performance.now() - thereAt).toBeLessThan(TAKEOVER_MS);
  expect(whole.map((event) => event.seq)).toEqual(whole.map((_, index) => index + 1));
  expect(whole.at(-1)).toMatchObject({
    __typename: 'InterruptedEvent',
    reason: 'SERVER_LOST',
    answer: 'One two ',
  });
  expect(reset).toMatchObject([
    { __typename: 'ResetEvent', discardAfterSeq: stored },
    { __typename: 'InterruptedEvent', fromSeq: stored + 1 },
  ]);
  expect(fake.responses).toHaveLength(1);
  second.process.send('SIGTERM');
  expect((await second.process.exit).code).toBe(0);
}, 90_000);

/** Waits until the text is in the log, so that the kill hits a turn with something to keep; resolves with its last seq. */
async function expectStored(url: string, turnId: string): Promise<number> {
  const client = createClient({ url, webSocketImpl: WebSocket, retryAttempts: 0 });
  const query = `{ turn(id: "${turnId}") { answer } }`;
  const readAnswer = async (): Promise<unknown> => {
    for await (const { data } of client.iterate<{ turn: { answer: string } }>({ query }))
      return data?.turn.answer;
    return undefined;
  };
  await expect.poll(readAnswer).toBe('One two ');
  await client.dispose();
  const events = await follow(url, `turnEvents(turnId: "${turnId}")`, (list) => join(list) === 'One two ');
  return events.at(-1)?.seq ?? 0;
}
