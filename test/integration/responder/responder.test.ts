import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Responder, startResponder } from '../../../src/responder/responder.ts';
import type { FoundPassage } from '../../../src/types/document.ts';

const passage = (change: Partial<FoundPassage>): FoundPassage => ({
  documentId: '0190a0b0-0000-7000-8000-000000000001',
  documentName: 'docs/resume.md',
  title: 'Resuming',
  url: null,
  ordinal: 0,
  heading: null,
  text: 'Give the cursor of the last event as `after`, and the events behind it follow.',
  score: 9,
  ...change,
});
const PASSAGES = [
  passage({}),
  passage({ documentName: 'site', url: 'https://example.org/resume', score: 8 }),
];

let searches: { readonly query: string; readonly limit: number }[] = [];
let found: readonly FoundPassage[] = PASSAGES;
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

let responder: Responder;
let client: OpenAI;

beforeAll(async () => {
  responder = await startResponder({
    log: silent,
    searchDocuments: async (query, limit) => {
      searches.push({ query, limit });
      return found;
    },
  });
  client = new OpenAI({ baseURL: responder.baseUrl, apiKey: responder.apiKey, maxRetries: 0 });
});
afterAll(() => responder[Symbol.asyncDispose]());

/** Runs with other passages to be found. */
async function finding<T>(passages: readonly FoundPassage[], run: () => Promise<T>): Promise<T> {
  searches = [];
  found = passages;
  return run();
}

const model = 'millrace-extractive';
const tools = [{ type: 'file_search' as const, vector_store_ids: ['local'] }];
const question = { model, input: 'How do I resume a stream?', tools };

async function collect(body: OpenAI.Responses.ResponseCreateParamsNonStreaming) {
  const events = [];
  for await (const event of await client.responses.create({ ...body, stream: true })) events.push(event);
  return events;
}

describe('the models', () => {
  test('are one', async () => {
    const models = await client.models.list();
    expect(models.data.map(({ id }) => id)).toEqual([model]);
    expect(await client.models.retrieve(model)).toMatchObject({
      id: model,
      object: 'model',
      owned_by: 'millrace',
    });
  });
});

describe('a response', () => {
  test('has the search with its results, and the answer with its citations', async () => {
    const response = await finding(PASSAGES, () => client.responses.create(question));
    expect(searches).toEqual([{ query: question.input, limit: 10 }]);
    expect(response).toMatchObject({ status: 'completed', model, incomplete_details: null, error: null });
    const [search, message] = response.output;
    expect(search).toMatchObject({
      type: 'file_search_call',
      status: 'completed',
      queries: [question.input],
      results: [
        { file_id: PASSAGES[0]?.documentId, filename: 'docs/resume.md', text: PASSAGES[0]?.text, score: 0.9 },
        { filename: 'site', attributes: { url: 'https://example.org/resume', title: 'Resuming' } },
      ],
    });
    const text = response.output_text;
    expect(text).toContain(`> ${PASSAGES[0]?.text}`);
    const first = text.indexOf('[1]');
    const second = text.indexOf('[2]');
    expect(message).toMatchObject({
      type: 'message',
      content: [
        {
          annotations: [
            { type: 'file_citation', filename: 'docs/resume.md', index: first },
            {
              type: 'url_citation',
              url: 'https://example.org/resume',
              start_index: second,
              end_index: second + 3,
            },
          ],
        },
      ],
    });
    expect(response.usage?.output_tokens).toBe(Math.ceil(Buffer.byteLength(text) / 4));
    expect(response.usage?.total_tokens).toBe(
      (response.usage?.input_tokens ?? 0) + (response.usage?.output_tokens ?? 0),
    );
  });

  test('says honestly that nothing matches', async () => {
    const response = await finding([], () => client.responses.create(question));
    expect(response.output_text).toContain('No imported document matches');
    expect(response.output[0]).toMatchObject({ type: 'file_search_call', results: [] });
  });

  test('searches nothing when the list of tools is empty', async () => {
    const response = await finding(PASSAGES, () => client.responses.create({ ...question, tools: [] }));
    expect(searches).toEqual([]);
    expect(response.output.map(({ type }) => type)).toEqual(['message']);
    expect(response.output_text).toContain('without document search');
  });

  test('is incomplete when it would be longer than max_output_tokens', async () => {
    const response = await finding(PASSAGES, () =>
      client.responses.create({ ...question, max_output_tokens: 20 }),
    );
    expect(response).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
    });
    expect(response.usage?.output_tokens).toBeLessThanOrEqual(20);
    expect(response.output_text).toMatch(/^No language model is configured/);
  });
});

describe('a stream', () => {
  test('carries the events of a search and an answer in order, numbered without gaps', async () => {
    const events = await finding(PASSAGES, () => collect(question));
    expect(events.map((event) => event.sequence_number)).toEqual(events.map((_, index) => index));
    const types = events.map(({ type }) => type);
    expect(types.filter((type, index) => type !== types[index - 1])).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.file_search_call.in_progress',
      'response.file_search_call.searching',
      'response.file_search_call.completed',
      'response.output_item.done',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.annotation.added',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ]);
  });

  test('says the same in its deltas, its done events, its last event, and without streaming', async () => {
    const [events, response] = await finding(PASSAGES, () =>
      Promise.all([collect(question), client.responses.create(question)]),
    );
    const deltas = events.flatMap((event) =>
      event.type === 'response.output_text.delta' ? [event.delta] : [],
    );
    expect(deltas.length).toBeGreaterThan(10);
    expect(deltas.join('')).toBe(response.output_text);
    const last = events.at(-1);
    if (last?.type !== 'response.completed') throw new Error(`ended with ${last?.type}`);
    const done = events.flatMap((event) => (event.type === 'response.output_item.done' ? [event.item] : []));
    expect(last.response.output).toEqual(done);
    const withoutIds = (items: readonly object[]) => items.map((item) => ({ ...item, id: '' }));
    expect(withoutIds(last.response.output)).toEqual(withoutIds(response.output));
  });

  test('ends as incomplete when it would be longer than max_output_tokens', async () => {
    const events = await finding(PASSAGES, () => collect({ ...question, max_output_tokens: 20 }));
    expect(events.at(-1)).toMatchObject({
      type: 'response.incomplete',
      response: { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } },
    });
  });

  test('names each event in a line of its own', async () => {
    found = PASSAGES;
    const answer = await fetch(`${responder.baseUrl}/responses`, {
      method: 'POST',
      headers: { authorization: `Bearer ${responder.apiKey}` },
      body: JSON.stringify({ ...question, stream: true }),
    });
    expect(answer.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    const frames = (await answer.text()).split('\n\n').filter(Boolean);
    expect(frames.length).toBeGreaterThan(20);
    for (const frame of frames) {
      const [, name, json = ''] = /^event: (\S+)\ndata: (.*)$/.exec(frame) ?? [];
      expect(JSON.parse(json)).toMatchObject({ type: name });
    }
  });
});
