/** What a turn shows, and how what belongs to it is read. */
import { describe, expect, it, vi } from 'vitest';
import { AppError } from '../../../src/errors.ts';
import type { TurnEngine } from '../../../src/turns/engine.ts';
import { createContext, createTurn, errorsOf, run, TURN_ID } from '../../support/graphql.ts';

const other = TURN_ID.replace(/1$/, '2');
const turn = `query ($id: ID!) { turn(id: $id) { id status query startedAt completedAt usage { inputTokens source } } }`;
const both = `query ($a: ID!, $b: ID!) { a: turn(id: $a) { ...Contents } b: turn(id: $b) { ...Contents } }
  fragment Contents on Turn {
    referencedDocuments { title url }
    chunks { content source score }
    toolCalls { toolCallId name args kind result { status rawStatus content round } }
  }`;

describe('turn', () => {
  it('shows what is stored', async () => {
    const get = async () =>
      createTurn({
        status: 'COMPLETED',
        completedAt: new Date('2026-01-31T12:00:01.500Z'),
        usage: { inputTokens: 2 ** 53 - 1, outputTokens: 0, source: 'REPORTED' },
      });
    const result = await run(turn, createContext({ engine: { get } }), { id: TURN_ID });
    expect(result).toEqual({
      data: {
        turn: {
          id: TURN_ID,
          status: 'COMPLETED',
          query: 'Why is the sky blue?',
          startedAt: '2026-01-31T12:00:00.000Z',
          completedAt: '2026-01-31T12:00:01.500Z',
          usage: { inputTokens: 9_007_199_254_740_991, source: 'REPORTED' },
        },
      },
    });
  });

  it('is null with NOT_FOUND when there is none', async () => {
    const get = async () => Promise.reject(new AppError('NOT_FOUND', 'Turn not found'));
    const result = await run(turn, createContext({ engine: { get } }), { id: TURN_ID });
    expect(result.data).toEqual({ turn: null });
    expect(errorsOf(result)).toEqual([{ code: 'NOT_FOUND', message: 'Turn not found' }]);
  });

  it('reads what belongs to several turns together', async () => {
    const call = { toolCallId: 'c', name: 'search', args: { q: 1 }, kind: 'MCP_CALL' } as const;
    const engine = {
      get: async (_viewer: unknown, id: string) => createTurn({ id }),
      listDocuments: vi.fn<TurnEngine['listDocuments']>(
        async () => new Map([[other, [{ title: 'T', url: null }]]]),
      ),
      listChunks: vi.fn<TurnEngine['listChunks']>(async () => new Map()),
      listToolCalls: vi.fn<TurnEngine['listToolCalls']>(
        async () => new Map([[TURN_ID, [{ call, result: null }]]]),
      ),
    };
    const result = await run(both, createContext({ engine }), { a: TURN_ID, b: other });
    expect(result).toEqual({
      data: {
        a: { referencedDocuments: [], chunks: [], toolCalls: [{ ...call, result: null }] },
        b: { referencedDocuments: [{ title: 'T', url: null }], chunks: [], toolCalls: [] },
      },
    });
    for (const list of [engine.listDocuments, engine.listChunks, engine.listToolCalls]) {
      expect(list.mock.calls.map(([, ids]) => ids)).toEqual([[TURN_ID, other]]);
    }
  });
});
