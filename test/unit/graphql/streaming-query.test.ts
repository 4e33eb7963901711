/** The subscriptions over a stand-in for the turn engine. */
import { readFileSync } from 'node:fs';
import type { ExecutionResult } from 'graphql';
import { describe, expect, it, vi } from 'vitest';
import { AppError } from '../../../src/errors.ts';
import { toCursor, toCursorPrefix } from '../../../src/lib/cursor.ts';
import type { StartTurnInput, TurnEngine } from '../../../src/turns/engine.ts';
import { NO_CREDENTIALS } from '../../../src/types/credentials.ts';
import type { TurnEvent } from '../../../src/types/turn-event.ts';
import {
  type ContextValues,
  createContext,
  createTurn,
  errorsOf,
  follow,
  TURN_ID,
} from '../../support/graphql.ts';
import { EVERY_EVENT, toEvent, toTokens } from '../../support/turn-events.ts';

const everyField = readFileSync(new URL('../../support/every-field.graphql', import.meta.url), 'utf8');
const tokensOnly = `subscription ($input: StreamingQueryInput!) {
  streamingQuery(input: $input) { ... on TurnEvent { seq } ... on TokenEvent { token } }
}`;
const turnEvents = `subscription ($turnId: ID!, $after: Cursor) {
  turnEvents(turnId: $turnId, after: $after) { ... on TurnEvent { seq } }
}`;
const input = { query: 'Why is the sky blue?' };
const cursor = toCursor(toCursorPrefix(TURN_ID), 1, 2);

async function* toBatches(...batches: readonly (readonly TurnEvent[])[]) {
  yield* batches;
}

/** An engine that accepts every question, and follows it with these events. */
function createEngine(events: readonly TurnEvent[], created = true) {
  return {
    start: vi.fn<TurnEngine['start']>(async () => ({ turn: createTurn(), created })),
    follow: vi.fn<TurnEngine['follow']>(async () => toBatches(events)),
  };
}

async function collect(source: string, values: ContextValues, variables: object = { input }) {
  const result = await follow(source, createContext(values), { ...variables });
  if (!(Symbol.asyncIterator in result)) throw new Error(JSON.stringify(result.errors));
  return Array.fromAsync(result);
}

/** The errors of a subscription that is refused. */
async function refusal(source: string, values: ContextValues, variables: object = { input }) {
  const result = await follow(source, createContext(values), { ...variables });
  if (Symbol.asyncIterator in result) throw new Error('the subscription was accepted');
  return errorsOf(result);
}

const fieldsOf = (result: ExecutionResult | undefined) => result?.data?.streamingQuery;

describe('streamingQuery', () => {
  it('gives every field of every event', async () => {
    const engine = {
      ...createEngine(EVERY_EVENT),
      getOfEvent: async () => createTurn({ status: 'COMPLETED' }),
    };
    const results = await collect(everyField, { engine });
    expect(results.flatMap(({ errors }) => errors ?? [])).toEqual([]);
    expect(results.map(fieldsOf)).toMatchSnapshot();
  });

  it('does not read the turn when it is not selected', async () => {
    const results = await collect(tokensOnly, { engine: createEngine(EVERY_EVENT) });
    expect(results).toHaveLength(EVERY_EVENT.length);
    expect(results.flatMap(({ errors }) => errors ?? [])).toEqual([]);
  });

  it('reads the turn anew for every event that selects it', async () => {
    const start = toEvent(1, { type: 'start', conversationId: 'c', provider: 'p', model: 'm' });
    const interrupted = EVERY_EVENT.find(({ type }) => type === 'interrupted');
    const getOfEvent = vi
      .fn<TurnEngine['getOfEvent']>()
      .mockResolvedValueOnce(createTurn())
      .mockResolvedValueOnce(createTurn({ status: 'INTERRUPTED' }));
    const events = interrupted ? [start, interrupted] : [];
    const results = await collect(everyField, { engine: { ...createEngine(events), getOfEvent } });
    expect(results.map(fieldsOf)).toMatchObject([
      { turn: { id: TURN_ID, status: 'RUNNING' } },
      { turn: { id: TURN_ID, status: 'INTERRUPTED' } },
    ]);
  });

  it('passes the question on as it came, with the id of the operation', async () => {
    const engine = createEngine([]);
    const question: StartTurnInput = {
      ...input,
      conversationId: 'conv_1',
      provider: 'p',
      model: 'm',
      systemPrompt: 's',
      attachments: [
        { attachmentType: 'log', contentType: 'text/plain', content: { text: 'c' } },
        { attachmentType: 'image', contentType: 'image/png', content: { base64: 'iVBO' } },
        { attachmentType: 'image', contentType: 'image/png', content: { uploadId: TURN_ID } },
      ],
      shieldIds: [],
      generateTopicSummary: false,
      clientTurnId: 'k',
      onDisconnect: 'CANCEL',
      whenBusy: 'INTERRUPT',
    };
    await collect(tokensOnly, { engine, operationId: TURN_ID }, { input: question });
    expect(engine.start).toHaveBeenCalledWith(expect.objectContaining({ id: 'ada' }), {
      ...question,
      noTools: undefined,
      vectorStoreIds: undefined,
      credentials: NO_CREDENTIALS,
      operationId: TURN_ID,
    });
  });

  it('takes null for absent', async () => {
    const engine = createEngine([]);
    const nulls = { conversationId: null, model: null, clientTurnId: null, after: null, minIntervalMs: null };
    await collect(tokensOnly, { engine }, { input: { ...input, ...nulls } });
    expect(engine.start.mock.calls[0]?.[1]).toEqual({ ...input, credentials: NO_CREDENTIALS });
    const begun = expect.objectContaining({ id: TURN_ID });
    expect(engine.follow.mock.calls[0]?.[1]).toEqual({ turnId: TURN_ID, begun, minIntervalMs: 0 });
  });

  it('resumes behind the cursor when it attaches to a turn', async () => {
    const engine = createEngine([], false);
    const question = { ...input, clientTurnId: 'k', after: cursor, minIntervalMs: 1000 };
    await collect(tokensOnly, { engine }, { input: question });
    expect(engine.follow.mock.calls[0]?.[1]).toEqual({ turnId: TURN_ID, after: cursor, minIntervalMs: 1000 });
  });

  it('follows a new turn from its beginning, for no cursor can be one of it', async () => {
    const engine = createEngine([], true);
    await collect(tokensOnly, { engine }, { input: { ...input, clientTurnId: 'k', after: cursor } });
    const begun = expect.objectContaining({ id: TURN_ID });
    expect(engine.follow.mock.calls[0]?.[1]).toEqual({ turnId: TURN_ID, begun, minIntervalMs: 0 });
  });

  it.each([
    ['a cursor without a key', { after: cursor }, 'BAD_USER_INPUT'],
    ['a text that is no cursor', { clientTurnId: 'k', after: 'x' }, 'CURSOR_INVALID'],
    ['a negative interval', { minIntervalMs: -1 }, 'BAD_USER_INPUT'],
    ['an interval of more than a second', { minIntervalMs: 1001 }, 'BAD_USER_INPUT'],
  ])('refuses %s before the question is accepted', async (_what, fields, code) => {
    expect(await refusal(tokensOnly, {}, { input: { ...input, ...fields } })).toMatchObject([{ code }]);
  });

  it.each(['start', 'follow'] as const)(
    'answers a refusal by %s with errors, not with a stream',
    async (step) => {
      const engine = createEngine([]);
      engine[step].mockRejectedValue(
        new AppError('CONVERSATION_BUSY', 'A turn is running in this conversation'),
      );
      expect(await refusal(tokensOnly, { engine })).toEqual([
        { code: 'CONVERSATION_BUSY', message: 'A turn is running in this conversation' },
      ]);
    },
  );

  it('stops following as soon as its reader leaves', async () => {
    const engine = createEngine(toTokens(['a', 'b', 'c']));
    const results = await follow(tokensOnly, createContext({ engine }), { input });
    if (!(Symbol.asyncIterator in results)) expect.unreachable('the subscription was refused');
    await results.next();
    const signal = engine.follow.mock.calls[0]?.[2];
    expect(signal?.aborted).toBe(false);
    await results.return?.();
    expect(signal?.aborted).toBe(true);
  });

  it.each(['before', 'after'])(
    'stops following when its operation is aborted %s it is followed',
    async (order) => {
      const operation = new AbortController();
      if (order === 'before') operation.abort();
      const engine = createEngine(toTokens(['a']));
      await follow(tokensOnly, createContext({ engine, signal: operation.signal }), { input });
      operation.abort();
      expect(engine.follow.mock.calls[0]?.[2].aborted).toBe(true);
    },
  );

  it('rejects when the log cannot be read any more, for the transport to close with the last cursor valid', async () => {
    const engine = createEngine([]);
    engine.follow.mockResolvedValue(
      (async function* () {
        yield toTokens(['a']);
        throw new AppError('DEPENDENCY_UNAVAILABLE', 'Unable to connect to the database');
      })(),
    );
    await expect(collect(tokensOnly, { engine })).rejects.toMatchObject({ code: 'DEPENDENCY_UNAVAILABLE' });
  });
});

describe('turnEvents', () => {
  it('follows a turn behind a cursor', async () => {
    const engine = { follow: createEngine(toTokens(['c'], 3)).follow };
    const results = await collect(turnEvents, { engine }, { turnId: TURN_ID.toUpperCase(), after: cursor });
    expect(results.map(({ data }) => data?.turnEvents)).toEqual([{ seq: 3 }]);
    expect(engine.follow.mock.calls[0]?.[1]).toEqual({ turnId: TURN_ID, after: cursor });
  });

  it('refuses an id that is not a UUID', async () => {
    expect(await refusal(turnEvents, {}, { turnId: '7' })).toEqual([
      { code: 'BAD_USER_INPUT', message: "Improper turn ID '7'" },
    ]);
  });
});
