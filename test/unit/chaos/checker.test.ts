import { describe, expect, it } from 'vitest';
import type { LoggedEvent, TurnEventBody } from '../../../src/types/turn-event.ts';
import { check, type Evidence } from '../../chaos/check/checker.ts';
import type {
  Balance,
  Call,
  ClientOutcome,
  LedgerRow,
  StoredBatch,
  StoredTurn,
} from '../../chaos/check/types.ts';
import { toAnswer, toToken } from '../../chaos/question.ts';

const plan = { key: 'q', tokens: 2, tokensPerSecond: 10 };
const whole = toAnswer(plan);
const usage = { inputTokens: 1, outputTokens: 2, source: 'REPORTED' } as const;
const START: TurnEventBody = { type: 'start', conversationId: 'c', provider: 'p', model: 'm' };
const TOKENS: readonly TurnEventBody[] = [0, 1].map((index) => ({
  type: 'token',
  chunkId: index,
  token: toToken(plan, index),
}));
const ANSWERED: TurnEventBody = { type: 'turn_complete', answer: whole };
const END: TurnEventBody = {
  type: 'end',
  referencedDocuments: [],
  ragChunkCount: 0,
  truncated: false,
  finishReason: 'STOP',
  usage,
};

const place = (body: TurnEventBody, seq: number, epoch: number): LoggedEvent => ({
  ...body,
  turnId: 't',
  epoch,
  fromSeq: seq,
  seq,
  at: 0,
});
function batch(bodies: readonly TurnEventBody[], firstSeq: number, epoch = 1): StoredBatch {
  const events = bodies.map((body, index) => place(body, firstSeq + index, epoch));
  return { firstSeq, lastSeq: firstSeq + bodies.length - 1, epoch, events };
}

const TURN: StoredTurn = {
  id: 't',
  key: 'q',
  status: 'COMPLETED',
  answer: whole,
  interruptReason: null,
  fence: 1,
  lastSeq: 5,
  startedAt: 0,
  completedAt: 1,
  batches: [batch([START], 1), batch([...TOKENS, ANSWERED, END], 2)],
  epochs: [],
};
const CLIENT: ClientOutcome = {
  plan,
  kind: 'ws',
  turnId: 't',
  last: { type: 'EndEvent', seq: 5, reason: null },
  text: whole,
  connects: 1,
  abandoned: null,
  violations: [],
  closes: [],
  endedAt: 1,
  history: [],
};
const CALL: Call = { key: 'q', node: 'node-1', at: 0, outcome: 'complete', tokens: 2 };

const RESERVED: LedgerRow = { turnId: 't', limiter: 'l', kind: 'RESERVE', change: -9 };
const SETTLED: LedgerRow = { turnId: 't', limiter: 'l', kind: 'SETTLE', change: 4 };
const REFILLED: LedgerRow = { turnId: null, limiter: 'l', kind: 'REFILL', change: 100 };
const BALANCE: Balance = { limiter: 'l', available: 95, reserved: 0 };

const GOOD: Evidence = {
  clients: [CLIENT],
  turns: [TURN],
  journal: [CALL],
  ledger: [REFILLED, RESERVED, SETTLED],
  balances: [BALANCE],
};
const withTurn = (change: Partial<StoredTurn>): Evidence => ({ ...GOOD, turns: [{ ...TURN, ...change }] });
const withClient = (change: Partial<ClientOutcome>): Evidence => ({
  ...GOOD,
  clients: [{ ...CLIENT, ...change }],
});
const rules = (evidence: Evidence) => check(evidence).map(({ rule }) => rule);

const INTERRUPTED: TurnEventBody = {
  type: 'interrupted',
  reason: 'SERVER_LOST',
  answer: toToken(plan, 0),
  usage,
};
const TAKEN_OVER: Partial<StoredTurn> = {
  status: 'INTERRUPTED',
  interruptReason: 'SERVER_LOST',
  answer: toToken(plan, 0),
  fence: 2,
  lastSeq: 3,
  batches: [batch([START, ...TOKENS.slice(0, 1)], 1), batch([INTERRUPTED], 3, 2)],
  epochs: [{ epoch: 2, firstSeq: 3 }],
};
const SAW_LOSS: Partial<ClientOutcome> = {
  last: { type: 'InterruptedEvent', seq: 3, reason: 'SERVER_LOST' },
  text: toToken(plan, 0),
};

describe('evidence that fits', () => {
  it('of a turn that went well', () => expect(check(GOOD)).toEqual([]));

  it('of a turn that was taken over', () => {
    const { turns } = withTurn(TAKEN_OVER);
    expect(check({ ...withClient(SAW_LOSS), turns })).toEqual([]);
  });

  it('of a question that was never accepted', () => {
    const refused = withClient({ turnId: null, last: null, text: '', abandoned: 'SHUTTING_DOWN' });
    expect(check({ ...refused, turns: [], journal: [], ledger: [], balances: [] })).toEqual([]);
  });

  it('where nothing is limited', () => {
    expect(check({ ...GOOD, ledger: [], balances: [] })).toEqual([]);
  });
});

describe('evidence that breaks a rule', () => {
  it.each<[string, string, Evidence]>([
    [
      'P1',
      'a log with a hole',
      withTurn({ batches: [batch([START], 1), batch([...TOKENS, ANSWERED, END], 3)] }),
    ],
    ['P1', 'a log that is shorter than its turn says', withTurn({ lastSeq: 6 })],
    [
      'P1',
      'a log without its beginning',
      withTurn({ batches: [batch([...TOKENS, ANSWERED, END], 1)], lastSeq: 4 }),
    ],
    ['P3', 'two turns', { ...GOOD, turns: [TURN, { ...TURN, id: 'u' }] }],
    ['P3', 'two calls', { ...GOOD, journal: [CALL, { ...CALL, node: 'node-2' }] }],
    ['P3', 'a call without a turn', { ...withClient({ turnId: null }), turns: [] }],
    ['P3', 'an answer without a call', { ...GOOD, journal: [] }],
    ['P3', 'a turn that nobody asked for', { ...GOOD, turns: [TURN, { ...TURN, id: 'u', key: 'other' }] }],
    [
      'P4',
      'a log without a last event',
      withTurn({ batches: [batch([START, ...TOKENS, ANSWERED], 1)], lastSeq: 4 }),
    ],
    [
      'P4',
      'two last events',
      withTurn({ batches: [batch([START, ...TOKENS, ANSWERED, END, END], 1)], lastSeq: 6 }),
    ],
    [
      'P4',
      'something after the last event',
      withTurn({ batches: [batch([START, ...TOKENS, END, ANSWERED], 1)] }),
    ],
    ['P4', 'a status that is not the last event', withTurn({ status: 'FAILED' })],
    [
      'P4',
      'a client that saw another end',
      withClient({ last: { type: 'ErrorEvent', seq: 5, reason: 'X' } }),
    ],
    [
      'P4',
      'a client that saw the end elsewhere',
      withClient({ last: { type: 'EndEvent', seq: 4, reason: null } }),
    ],
    ['P7', 'a turn that was never settled', { ...GOOD, ledger: [REFILLED, RESERVED] }],
    ['P7', 'a turn that was settled twice', { ...GOOD, ledger: [REFILLED, RESERVED, SETTLED, SETTLED] }],
    ['P7', 'a turn that was never reserved for', { ...GOOD, ledger: [REFILLED, SETTLED] }],
    ['P7', 'tokens that stay reserved', { ...GOOD, balances: [{ ...BALANCE, reserved: 9 }] }],
    ['P7', 'a balance that is not its ledger', { ...GOOD, balances: [{ ...BALANCE, available: 96 }] }],
    ['TEXT', 'a turn whose answer is not its log', withTurn({ answer: 'else' })],
    ['TEXT', 'a turn that completed without its whole answer', withTurn({ answer: toToken(plan, 0) })],
    ['TEXT', 'a client with another text', withClient({ text: 'else' })],
    [
      'TEXT',
      'a log with what was never sent',
      withTurn({ batches: [batch([START, ...TOKENS, ...TOKENS, ANSWERED, END], 1)], lastSeq: 7 }),
    ],
    ['ENDED', 'a turn that still runs', withTurn({ status: 'RUNNING', completedAt: null })],
    ['ENDED', 'a client that never saw the end', withClient({ last: null })],
    ['ENDED', 'a client that was refused for good', withClient({ last: null, abandoned: 'NOT_FOUND' })],
    ['ENDED', 'a turn that is not there', { ...GOOD, turns: [{ ...TURN, id: 'u' }] }],
    [
      'FENCE',
      'an old writer behind a new one',
      withTurn({ fence: 2, batches: [batch([START], 1, 2), batch([...TOKENS, ANSWERED, END], 2, 1)] }),
    ],
    [
      'FENCE',
      'a writer above the fence',
      withTurn({ batches: [batch([START, ...TOKENS, ANSWERED, END], 1, 2)] }),
    ],
    [
      'FENCE',
      'an epoch that an older writer wrote into',
      withTurn({ fence: 2, epochs: [{ epoch: 2, firstSeq: 3 }] }),
    ],
  ])('%s: %s', (rule, _what, evidence) => {
    expect(rules(evidence)).toContain(rule);
  });

  it('what a client saw itself is reported, too', () => {
    const seen = { rule: 'P1', key: 'q', what: 'a gap' } as const;
    expect(check(withClient({ violations: [seen] }))).toEqual([seen]);
  });

  it('a client without a key may be told to ask again only where the scenario says so', () => {
    const refused = withClient({ kind: 'stock', last: null, abandoned: 'DEPENDENCY_UNAVAILABLE: away' });
    const keyed = withClient({ kind: 'ws', last: null, abandoned: 'DEPENDENCY_UNAVAILABLE: away' });
    expect(check(refused, { mayRefuse: true })).toEqual([]);
    expect(check(refused)).toMatchObject([{ rule: 'ENDED' }]);
    expect(check(keyed, { mayRefuse: true })).toMatchObject([{ rule: 'ENDED' }]);
  });

  it('but not a refusal before the question was accepted', () => {
    const refused = withClient({ last: null, turnId: null, abandoned: 'DEPENDENCY_UNAVAILABLE: away' });
    const nothing: Evidence = { ...refused, turns: [], journal: [], ledger: [], balances: [] };
    expect(rules(nothing)).toEqual([]);
  });
});
