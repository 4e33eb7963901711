import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/types/json.ts';
import {
  completed,
  created,
  delta,
  failed,
  functionCall,
  incomplete,
  itemDone,
  message,
  openRefusal,
  openText,
  plainAnswer,
  refusalDelta,
  textDone,
  textThenRefusal,
} from '../../support/streams.ts';
import { joinTokens, translateAll, translateTurn } from '../../support/translated.ts';

const tokensOf = (events: readonly JsonObject[]): readonly string[] =>
  translateTurn(events).bodies.flatMap((body) => (body.type === 'token' ? [body.token] : []));

describe('tokens', () => {
  it('begin with an empty one when a text part begins, and chunk ids count from 0', () => {
    expect(translateTurn(plainAnswer).bodies).toEqual([
      { type: 'token', chunkId: 0, token: '' },
      { type: 'token', chunkId: 1, token: 'The tide ' },
      { type: 'token', chunkId: 2, token: 'is out.' },
      { type: 'turn_complete', answer: 'The tide is out.' },
    ]);
  });

  it.each<[string, readonly JsonObject[], readonly string[]]>([
    ['a part that nobody announced', [delta('a')], ['a']],
    ['an empty delta', [openText(), delta('')], ['']],
    ['a delta that is no text', [{ type: 'response.output_text.delta', delta: 7 }], []],
    ['a part without indexes', [openText(), { type: 'response.output_text.delta', delta: 'a' }], ['', 'a']],
    ['a part of reasoning', [{ ...openText(), part: { type: 'reasoning_text' } }], []],
    ['a part that refuses', [openRefusal(), refusalDelta('no')], ['no']],
    ['a second part', [openText(), delta('a'), openText({ output: 1 })], ['', 'a', '\n\n']],
    ['a second part, not announced', [delta('a'), delta('b', { content: 1 })], ['a', '\n\n', 'b']],
    [
      'a part after an empty one',
      [openText(), openText({ output: 1 }), delta('b', { output: 1 })],
      ['', '', 'b'],
    ],
    ['a text without deltas', [openText(), textDone('whole')], ['', 'whole']],
    ['a text that nothing announced', [textDone('whole')], ['whole']],
    ['a text whose end is numbered otherwise', [delta('a'), textDone('a', { output: 5 })], ['a']],
    ['a refusal without deltas', [{ type: 'response.refusal.done', refusal: 'no' }], ['no']],
    [
      'a part that ends with text',
      [{ ...openText(), type: 'response.content_part.done', part: { type: 'output_text', text: 'x' } }],
      ['x'],
    ],
    ['a message without any stream', [itemDone(message('a', 'b'))], ['a', '\n\n', 'b']],
    ['a message that was streamed', [delta('a'), itemDone(message('a'))], ['a']],
    ['a surrogate pair in two halves', [delta('\ud83d'), delta('\ude00!')], ['😀!']],
    ['a half of a pair', [delta('a\ud83d'), delta('b')], ['a', '\uFFFDb']],
    ['a half of a pair at the end', [delta('a\ud83d')], ['a', '\uFFFD']],
    ['NUL', [delta('a\0b')], ['a\uFFFDb']],
  ])('%s', (_, events, tokens) => {
    expect(tokensOf(events)).toEqual(tokens);
  });
});

describe('the answer', () => {
  it.each<[string, readonly JsonObject[], string]>([
    [
      'is the text of the response, where it differs from the deltas',
      [delta('Hi'), completed([message('Hello')])],
      'Hello',
    ],
    [
      'is what the parts ended with, when the response has no text',
      [delta('Hi'), textDone('Hello'), completed([])],
      'Hello',
    ],
    ['is the joined deltas, when nothing else has text', [delta('H'), delta('i'), completed([])], 'Hi'],
    ['needs no output', [delta('Hi'), { type: 'response.completed' }], 'Hi'],
    [
      'has all parts of all messages, with blank lines between',
      [completed([message('a', 'b'), message('c')])],
      'a\n\nb\n\nc',
    ],
    ['leaves empty parts out', [completed([message('', 'b', '')])], 'b'],
    ['may be plain content', [completed([{ type: 'message', content: 'plain' }])], 'plain'],
    ['is empty for tool calls alone', [itemDone(functionCall), completed([functionCall])], ''],
    ['is repaired', [completed([message('a\0\ud800')])], 'a\uFFFD\uFFFD'],
    ['has the refusal behind the text', textThenRefusal, 'First\n\nI must stop.'],
    [
      'equals the tokens when a later part stays empty',
      [delta('a'), openText({ output: 1 }), completed([message('a', '')])],
      'a\n\n',
    ],
  ])('%s', (_, events, answer) => {
    const { bodies, summary } = translateTurn(events);
    expect(bodies.at(-1)).toEqual({ type: 'turn_complete', answer });
    expect(summary.answer).toBe(answer);
  });

  it('is what was streamed so far while the turn runs', () => {
    const { summary } = translateTurn([created, delta('a'), delta('b', { output: 1 })]);
    expect(summary.answer).toBe('a\n\nb');
  });
});

describe('reasoning', () => {
  it.each(['response.reasoning_summary_text.delta', 'response.reasoning_text.delta'])(
    '%s is told, repaired, and no part of the answer',
    (type) => {
      const events = ['I think\0', '\ud83d', '\ude00', '\ud83d'].map((text) => ({ type, delta: text }));
      const { bodies, summary } = translateTurn(events);
      const deltas = bodies.map((body) => (body.type === 'reasoning' ? body.delta : body));
      expect(deltas).toEqual(['I think\uFFFD', '😀', '\uFFFD']);
      expect(summary).toMatchObject({ answer: '', receivedChars: 11 });
    },
  );
});

describe('the outcome', () => {
  const finished = (finishReason: string, truncated = false): object => ({
    kind: 'finished',
    finishReason,
    truncated,
  });
  const approval: JsonObject = { id: 'r_1', type: 'mcp_approval_request', name: 'pay', arguments: '{}' };

  it.each<[string, readonly JsonObject[], object]>([
    ['completed', plainAnswer, finished('STOP')],
    ['a refusal', textThenRefusal, finished('REFUSAL')],
    [
      'a refusal that only the response shows',
      [completed([{ type: 'message', content: [{ type: 'refusal', refusal: 'no' }] }])],
      finished('REFUSAL'),
    ],
    ['function calls alone', [itemDone(functionCall), completed([functionCall])], finished('TOOL_CALLS')],
    ['function calls that only the response shows', [completed([functionCall])], finished('TOOL_CALLS')],
    ['function calls with text', [delta('a'), itemDone(functionCall), completed([])], finished('STOP')],
    ['a request for approval', [itemDone(approval), completed([approval])], finished('APPROVAL_REQUIRED')],
    ['a token limit', [delta('a'), incomplete('max_output_tokens')], finished('MAX_OUTPUT_TOKENS', true)],
    ['a content filter', [incomplete('content_filter')], finished('CONTENT_FILTER', true)],
    ['incomplete for no reason', [incomplete(null)], finished('OTHER', true)],
    ['incomplete for a reason with an inherited name', [incomplete('constructor')], finished('OTHER', true)],
    [
      'completed by name, incomplete by status',
      [{ ...incomplete('max_output_tokens'), type: 'response.completed' }],
      finished('MAX_OUTPUT_TOKENS', true),
    ],
    [
      'failed',
      [failed('server_error', 'Broken')],
      { kind: 'failed', code: 'BACKEND_ERROR', explanation: 'Broken' },
    ],
    [
      'failed, the prompt being too long',
      [failed('context_length_exceeded', 'Long')],
      { kind: 'failed', code: 'PROMPT_TOO_LONG', message: 'Prompt is too long' },
    ],
    [
      'completed by name, failed by status',
      [{ ...failed('server_error', 'Broken'), type: 'response.completed' }],
      { kind: 'failed', explanation: 'Broken' },
    ],
    [
      'an error event',
      [{ type: 'error', error: { message: 'Gone' } }],
      { kind: 'failed', explanation: 'Gone' },
    ],
    [
      'an error event that is the error',
      [{ type: 'error', code: 'rate_limit_exceeded', message: 'Slow' }],
      { kind: 'failed', code: 'RATE_LIMITED' },
    ],
    [
      'an error without a type',
      [{ error: { message: '500: reset' } }],
      { kind: 'failed', explanation: '500: reset' },
    ],
    ['a stream that breaks off', [created, delta('a')], { kind: 'failed', code: 'BACKEND_PROTOCOL' }],
    ['an empty stream', [], { kind: 'failed', code: 'BACKEND_PROTOCOL' }],
  ])('%s', (_, events, outcome) => {
    expect(translateTurn(events).state.outcome).toMatchObject(outcome);
  });

  it('keeps the text so far and the usage of an incomplete response', () => {
    const { bodies, summary } = translateTurn([delta('Half an ans'), incomplete('max_output_tokens')]);
    expect(bodies.at(-1)).toEqual({ type: 'turn_complete', answer: 'Half an ans' });
    expect(summary.usage).toEqual({ inputTokens: 12, outputTokens: 5, source: 'REPORTED' });
  });

  it('tells what was held back before a failure, and no turn_complete', () => {
    const { bodies, summary } = translateTurn([delta('see <|file-1'), failed('server_error', 'Broken')]);
    expect(joinTokens(bodies)).toBe('see <|file-1');
    expect(bodies.map((body) => body.type)).toEqual(['token', 'token']);
    expect(summary.answer).toBe('see <|file-1');
  });

  it('is final: whatever follows changes nothing and tells nothing', () => {
    const { state } = translateAll(plainAnswer);
    const after = [
      delta('more'),
      completed([message('x')]),
      failed('server_error', 'x'),
      itemDone(functionCall),
      {},
    ];
    const later = translateAll(after, state);
    expect(later).toEqual({ state, bodies: [] });
    expect(later.state).toBe(state);
  });
});

describe('what is not known', () => {
  it.each<[string, JsonObject, number]>([
    ['an unknown type', { type: 'response.something_new.delta', delta: 'x' }, 1],
    ['no type', { foo: 'bar' }, 1],
    ['a type that is no text', { type: 3 }, 1],
    ['the name of an object method', { type: 'constructor' }, 1],
    ['a keep-alive', { type: 'keepalive' }, 0],
    ['progress of a tool', { type: 'response.web_search_call.searching' }, 0],
  ])('%s is passed over, and counted where it should be known', (_, event, ignored) => {
    const { state, bodies } = translateAll([event]);
    expect({ ignored: state.ignored, bodies, outcome: state.outcome }).toEqual({
      ignored,
      bodies: [],
      outcome: null,
    });
  });
});

describe('the summary', () => {
  it('knows the response, whether it was created, and how much the model wrote', () => {
    const args = { type: 'response.function_call_arguments.delta', delta: '{"a":1}' };
    expect(translateTurn([created, delta('four'), args]).summary).toMatchObject({
      responseId: 'resp_1',
      sawResponseCreated: true,
      receivedChars: 11,
      usage: { source: 'NONE' },
    });
  });

  it('counts text once, though its end repeats it', () => {
    expect(translateTurn(plainAnswer).summary.receivedChars).toBe('The tide is out.'.length);
    expect(translateTurn([textDone('whole'), completed([])]).summary.receivedChars).toBe(5);
  });
});
