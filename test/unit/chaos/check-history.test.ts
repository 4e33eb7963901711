import { describe, expect, it } from 'vitest';
import { createHistoryCheck } from '../../chaos/check/check-history.ts';
import type { HistoryEntry, SeenEvent } from '../../chaos/check/types.ts';
import { toAnswer, toToken } from '../../chaos/question.ts';

const plan = { key: 'q', tokens: 3, tokensPerSecond: 10 };
const whole = toAnswer(plan);

const connect = (after: string | null = null): HistoryEntry => ({ kind: 'connect', at: 0, node: 'n', after });
const complete: HistoryEntry = { kind: 'complete', at: 0 };
const closed: HistoryEntry = { kind: 'closed', at: 0, code: 1006, reason: '' };
const refused: HistoryEntry = { kind: 'refused', at: 0, code: 'SHUTTING_DOWN', message: '' };

function event(__typename: string, seq: number, more: Partial<SeenEvent> = {}): HistoryEntry {
  const place = { turnId: 't', fromSeq: seq, seq, cursor: `c${seq}` };
  return { kind: 'event', at: 0, event: { __typename, ...place, ...more } };
}
const start = event('StartEvent', 1);
const token = (seq: number): HistoryEntry => event('TokenEvent', seq, { token: toToken(plan, seq - 2) });
const answered = event('TurnCompleteEvent', 5, { answer: whole });
const end = event('EndEvent', 6, { turn: { status: 'COMPLETED', answer: whole } });
const reset = (to: number): HistoryEntry => event('ResetEvent', to, { discardAfterSeq: to });
const text = (count: number): string =>
  Array.from({ length: count }, (_, index) => toToken(plan, index)).join('');
const interrupted = (seq: number, answer: string): HistoryEntry =>
  event('InterruptedEvent', seq, { reason: 'SERVER_LOST', answer });

function check(...entries: readonly HistoryEntry[]) {
  const history = createHistoryCheck(plan);
  for (const entry of entries) history.add(entry);
  return history;
}
const rules = (...entries: readonly HistoryEntry[]) => check(...entries).violations.map(({ rule }) => rule);

describe('a history that keeps every rule', () => {
  it.each<[string, readonly HistoryEntry[]]>([
    ['in one go', [connect(), start, token(2), token(3), token(4), answered, end, complete]],
    [
      'resumed after a cursor',
      [connect(), start, token(2), closed, connect('c2'), token(3), token(4), answered, end],
    ],
    [
      'asked again from the beginning',
      [connect(), start, token(2), closed, connect(), start, token(2), token(3), token(4), answered, end],
    ],
    [
      'reset by a writer that took over',
      [connect(), start, token(2), token(3), closed, connect('c3'), reset(2), interrupted(3, text(1))],
    ],
    [
      'with merged tokens',
      [connect(), start, event('TokenEvent', 4, { fromSeq: 2, token: whole }), answered, end, complete],
    ],
    ['refused, then answered', [connect(), refused, complete, connect(), start, interrupted(2, '')]],
    [
      'its end seen twice',
      [connect(), start, interrupted(2, ''), closed, connect(), start, interrupted(2, ''), complete],
    ],
  ])('%s', (_name, entries) => {
    expect(check(...entries).violations).toEqual([]);
    expect(check(...entries).last).not.toBeNull();
  });
});

describe('P1', () => {
  it.each<[string, readonly HistoryEntry[]]>([
    ['an event that is left out', [connect(), start, token(3)]],
    ['an event that comes twice', [connect(), start, token(2), token(2)]],
    ['a hole after a cursor', [connect(), start, token(2), closed, connect('c2'), token(4)]],
    ['a repetition after a cursor', [connect(), start, token(2), closed, connect('c2'), token(2)]],
    ['a beginning that is missing', [connect(), token(2)]],
    ['a StartEvent in the middle', [connect(), start, token(2), start]],
    ['a StartEvent after a cursor', [connect(), start, token(2), closed, connect('c2'), start]],
    ['a reset to what was not seen', [connect(), start, reset(4)]],
    ['a merged event that runs backwards', [connect(), start, event('TokenEvent', 1, { fromSeq: 2 })]],
  ])('is broken by %s', (_name, entries) => {
    expect(rules(...entries)).toContain('P1');
  });
});

describe('P3', () => {
  it('is broken by another turn for the same question', () => {
    const other = event('StartEvent', 1, { turnId: 'u' });
    expect(rules(connect(), start, closed, connect(), other)).toEqual(['P3']);
  });
});

describe('P4', () => {
  const ended = [connect(), start, interrupted(2, '')];

  it.each<[string, readonly HistoryEntry[]]>([
    [
      'an event after the last one',
      [...ended, event('InterruptedEvent', 3, { reason: 'SHUTDOWN', answer: '' })],
    ],
    ['a stream that completes without a last event', [connect(), start, complete]],
    [
      'another end at the second look',
      [...ended, closed, connect(), start, event('ErrorEvent', 2, { code: 'BACKEND_ERROR' })],
    ],
    ['an end that is taken back', [...ended, closed, connect('c2'), reset(1)]],
    [
      'an EndEvent of a turn that is not stored as completed',
      [
        ...[connect(), start, token(2), token(3), token(4), answered],
        event('EndEvent', 6, { turn: { status: 'RUNNING', answer: whole } }),
      ],
    ],
    [
      'an EndEvent of a turn that is stored with another answer',
      [
        ...[connect(), start, token(2), token(3), token(4), answered],
        event('EndEvent', 6, { turn: { status: 'COMPLETED', answer: '' } }),
      ],
    ],
  ])('is broken by %s', (_name, entries) => {
    expect(rules(...entries)).toContain('P4');
  });
});

describe('the text', () => {
  it.each<[string, readonly HistoryEntry[]]>([
    [
      'an answer that is not its tokens',
      [connect(), start, token(2), event('TurnCompleteEvent', 3, { answer: whole })],
    ],
    [
      'an EndEvent without the whole answer',
      [
        ...[connect(), start, token(2), event('TurnCompleteEvent', 3, { answer: text(1) })],
        event('EndEvent', 4, { turn: { status: 'COMPLETED', answer: text(1) } }),
      ],
    ],
    ['an interruption that forgets tokens', [connect(), start, token(2), token(3), interrupted(4, text(1))]],
    [
      'an interruption that keeps what a reset took back',
      [connect(), start, token(2), token(3), closed, connect('c3'), reset(2), interrupted(3, text(2))],
    ],
  ])('is broken by %s', (_name, entries) => {
    expect(rules(...entries)).toContain('TEXT');
  });
});
