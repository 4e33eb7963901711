/** The mutations of turns over a stand-in for the turn engine. */
import { describe, expect, it, vi } from 'vitest';
import type { TurnEngine } from '../../../src/turns/engine.ts';
import { NO_CREDENTIALS } from '../../../src/types/credentials.ts';
import { createContext, createTurn, errorsOf, run, TURN_ID } from '../../support/graphql.ts';

const startTurn = `mutation ($input: StartTurnInput!) { startTurn(input: $input) { outcome turn { id status } } }`;
const query = `mutation ($input: QueryInput!) { query(input: $input) { outcome turn { id status answer } } }`;
const cancelTurn = `mutation ($input: CancelTurnInput!) { cancelTurn(input: $input) { outcome turn { status } } }`;
const input = { query: 'Why is the sky blue?' };

const starting = (created: boolean) =>
  vi.fn<TurnEngine['start']>(async () => ({ turn: createTurn(), created }));

describe('startTurn', () => {
  it.each([
    [true, 'ACCEPTED'],
    [false, 'ATTACHED'],
  ])('returns the turn at once; created %s is %s', async (created, outcome) => {
    const engine = { start: starting(created) };
    const result = await run(startTurn, createContext({ engine }), {
      input: { ...input, onDisconnect: 'CANCEL' },
    });
    expect(result).toEqual({ data: { startTurn: { outcome, turn: { id: TURN_ID, status: 'RUNNING' } } } });
    expect(engine.start.mock.calls[0]?.[1]).toEqual({
      ...input,
      onDisconnect: 'CANCEL',
      credentials: NO_CREDENTIALS,
    });
  });
});

describe('query', () => {
  const ended = createTurn({ status: 'COMPLETED', answer: 'Because of Rayleigh scattering.' });

  it('waits for the answer, by default for 55 seconds', async () => {
    const engine = { start: starting(true), wait: vi.fn<TurnEngine['wait']>(async () => ended) };
    const result = await run(query, createContext({ engine }), { input });
    const { id, status, answer } = ended;
    expect(result).toEqual({ data: { query: { outcome: 'ACCEPTED', turn: { id, status, answer } } } });
    expect(engine.wait).toHaveBeenCalledWith(expect.objectContaining({ id: 'ada' }), TURN_ID, 55_000);
  });

  it('waits for as long as it is told', async () => {
    const engine = { start: starting(false), wait: vi.fn<TurnEngine['wait']>(async () => createTurn()) };
    const result = await run(query, createContext({ engine }), { input: { ...input, waitMs: 0 } });
    expect(result).toMatchObject({ data: { query: { outcome: 'ATTACHED', turn: { status: 'RUNNING' } } } });
    expect(engine.wait.mock.calls[0]?.[2]).toBe(0);
  });

  it.each([-1, 55_001])('refuses to wait for %d ms, before the question is accepted', async (waitMs) => {
    const result = await run(query, createContext(), { input: { ...input, waitMs } });
    expect(errorsOf(result)).toMatchObject([{ code: 'BAD_USER_INPUT' }]);
  });
});

describe('cancelTurn', () => {
  it('returns the ended turn and what was done', async () => {
    const turn = createTurn({ status: 'INTERRUPTED' });
    const engine = { cancel: vi.fn<TurnEngine['cancel']>(async () => ({ turn, outcome: 'CANCELLED' })) };
    const result = await run(cancelTurn, createContext({ engine }), { input: { turnId: TURN_ID } });
    expect(result).toEqual({
      data: { cancelTurn: { outcome: 'CANCELLED', turn: { status: 'INTERRUPTED' } } },
    });
    expect(engine.cancel.mock.calls[0]?.[1]).toBe(TURN_ID);
  });

  it('refuses an id that is not a UUID', async () => {
    const engine = { cancel: vi.fn<TurnEngine['cancel']>() };
    const result = await run(cancelTurn, createContext({ engine }), { input: { turnId: 'x' } });
    expect(engine.cancel).not.toHaveBeenCalled();
    expect(errorsOf(result)).toEqual([{ code: 'BAD_USER_INPUT', message: "Improper turn ID 'x'" }]);
  });
});
