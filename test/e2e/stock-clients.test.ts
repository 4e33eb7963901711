import { describe, expect, it } from 'vitest';
import { startTestApp } from '../support/app.ts';
import { followTurn, type Operation, toFollowing } from '../support/clients.ts';
import { findGaps, toFollowedEvents } from '../support/clients-events.ts';
import { createCuttableWs, HTTP_CLIENTS, type Outcome, WEBSOCKET_CLIENTS } from '../support/clients-stock.ts';
import { startFakeBackend } from '../support/fake-backend.ts';
import { createGate, stream, textResponse } from '../support/fake-backend-script.ts';

const ASK = `subscription Ask($input: StreamingQueryInput!) {
  streamingQuery(input: $input) {
    __typename
    ... on TurnEvent { cursor turnId fromSeq seq plainText }
    ... on TurnCompleteEvent { answer }
    ... on EndEvent { finishReason turn { id status } }
  }
}`;
const TURN = 'query Turn($id: ID!) { turn(id: $id) { id answer status query } }';
const CANCEL =
  'mutation Cancel($input: CancelTurnInput!) { cancelTurn(input: $input) { outcome turn { id } } }';

const ANSWER = 'The tide is out until noon.';
const QUESTION: Operation = { query: ASK, variables: { input: { query: 'What does the tide do?' } } };

type Event = Readonly<Record<string, unknown>> & {
  readonly turnId: string;
  readonly fromSeq: number;
  readonly seq: number;
};

function toEvent({ data, codes }: Outcome): Event {
  expect(codes).toEqual([]);
  return data?.streamingQuery as Event;
}

const joinText = (events: readonly Event[]): string => events.map(({ plainText }) => plainText).join('');

describe.each([...WEBSOCKET_CLIENTS, ...HTTP_CLIENTS])('$name', ({ create }) => {
  it('receives every event of an answer in order, and the end of the subscription', async () => {
    await using fake = await startFakeBackend();
    await using app = await startTestApp({ backend: fake.url });
    await using ws = createCuttableWs(app);
    await using client = create(app, ws.client);
    fake.reply(stream(textResponse(ANSWER)));
    const events = (await Array.fromAsync(client.subscribe(QUESTION))).map(toEvent);
    expect(events[0]).toMatchObject({ __typename: 'StartEvent', seq: 1 });
    expect(events.at(-2)).toMatchObject({ __typename: 'TurnCompleteEvent', answer: ANSWER });
    expect(events.at(-1)).toMatchObject({ finishReason: 'STOP', turn: { status: 'COMPLETED' } });
    expect(joinText(events)).toContain(ANSWER);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    expect(fake.responses.length).toBe(1);
  });

  it('sees a refusal as an error with its code, and asks on', async () => {
    await using fake = await startFakeBackend();
    await using app = await startTestApp({ backend: fake.url });
    await using ws = createCuttableWs(app);
    await using client = create(app, ws.client);
    const empty = { ...QUESTION, variables: { input: { query: '  ' } } };
    expect(await Array.fromAsync(client.subscribe(empty))).toEqual([
      { data: null, codes: ['BAD_USER_INPUT'] },
    ]);
    expect(fake.responses).toEqual([]);
    expect((await Array.fromAsync(client.subscribe(QUESTION))).length).toBeGreaterThan(3);
  });

  it('runs queries and mutations, and sees their errors', async () => {
    await using fake = await startFakeBackend();
    await using app = await startTestApp({ backend: fake.url });
    await using ws = createCuttableWs(app);
    await using client = create(app, ws.client);
    fake.reply(stream(textResponse(ANSWER)));
    const events = (await Array.fromAsync(client.subscribe(QUESTION))).map(toEvent);
    const id = events[0]?.turnId;
    expect(await client.query({ query: TURN, variables: { id } })).toMatchObject({
      data: { turn: { id, answer: ANSWER, status: 'COMPLETED', query: 'What does the tide do?' } },
      codes: [],
    });
    expect(await client.mutate({ query: CANCEL, variables: { input: { turnId: id } } })).toMatchObject({
      data: { cancelTurn: { outcome: 'ALREADY_ENDED', turn: { id } } },
      codes: [],
    });
    const nobody = '0198c0de-0000-7000-8000-000000000001';
    expect(await client.mutate({ query: CANCEL, variables: { input: { turnId: nobody } } })).toEqual({
      data: null,
      codes: ['NOT_FOUND'],
    });
  });
});

/** urql leaves the rejection of its aborted request unhandled, and Node ends the process for that. */
const LEAVING = [...WEBSOCKET_CLIENTS, ...HTTP_CLIENTS].filter(({ name }) => name !== 'urql over SSE');

describe.each(LEAVING)('$name', ({ create }) => {
  it('leaves in mid-turn without stopping the turn', async () => {
    await using fake = await startFakeBackend();
    await using app = await startTestApp({ backend: fake.url });
    await using ws = createCuttableWs(app);
    await using client = create(app, ws.client);
    const gate = createGate();
    const upstream = textResponse(ANSWER);
    fake.reply(stream(upstream, { holds: { 6: gate } }));
    const asking = client.subscribe(QUESTION);
    const start = await asking.next();
    await asking.return();
    gate.release();
    const { turnId } = toEvent(start.value ?? { data: null, codes: ['NOTHING'] });
    const events = toFollowedEvents(await Array.fromAsync(followTurn(app, toFollowing(turnId))));
    expect(events.at(-1)).toMatchObject({ __typename: 'EndEvent' });
    expect(findGaps(events)).toEqual([]);
    expect(fake.responses.map(({ aborted }) => aborted)).toEqual([false]);
  });
});

/** The next events of a subscription, as many as that. */
async function take(asking: AsyncGenerator<Outcome>, count: number): Promise<readonly Event[]> {
  const events: Event[] = [];
  while (events.length < count) events.push(toEvent((await asking.next()).value));
  return events;
}

/** What the backend has sent when it is held becomes the first four events: the start, an empty token and two more. */
const HELD_AT = 6;
const SEEN = 4;

describe.each(WEBSOCKET_CLIENTS)('$name, when its socket is cut in mid-turn', ({ create }) => {
  it('attaches to its turn by itself and sees it anew, without a second call of the backend', async () => {
    await using fake = await startFakeBackend();
    await using app = await startTestApp({ backend: fake.url });
    await using ws = createCuttableWs(app);
    await using client = create(app, ws.client);
    const gate = createGate();
    fake.reply(stream(textResponse(ANSWER), { holds: { [HELD_AT]: gate } }));
    const asking = client.subscribe(QUESTION);
    const before = await take(asking, SEEN);
    ws.cut();
    const again = await take(asking, SEEN);
    expect(again).toEqual(before);
    expect(again[0]).toMatchObject({ __typename: 'StartEvent', seq: 1 });
    gate.release();
    const events = [...again, ...(await Array.fromAsync(asking)).map(toEvent)];
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    expect(events.at(-1)).toMatchObject({ finishReason: 'STOP', turn: { status: 'COMPLETED' } });
    expect(fake.responses.length).toBe(1);
  });

  it('sees the whole turn when it ended before the client was back', async () => {
    await using fake = await startFakeBackend();
    await using app = await startTestApp({ backend: fake.url });
    const [gate, away] = [createGate(), createGate()];
    await using ws = createCuttableWs(app, () => away.released);
    await using client = create(app, ws.client);
    fake.reply(stream(textResponse(ANSWER), { holds: { [HELD_AT]: gate } }));
    const asking = client.subscribe(QUESTION);
    const [start] = await take(asking, SEEN);
    ws.cut();
    gate.release();
    const whole = await Array.fromAsync(followTurn(app, toFollowing(start?.turnId ?? '')));
    away.release();
    const events = (await Array.fromAsync(asking)).map(toEvent);
    expect(events.map(({ cursor }) => cursor)).toEqual(toFollowedEvents(whole).map(({ cursor }) => cursor));
    expect(events.at(-2)).toMatchObject({ answer: ANSWER });
    expect(fake.responses.length).toBe(1);
  });
});
