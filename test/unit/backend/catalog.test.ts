import { expect, test } from 'vitest';
import { parseModels } from '../../../src/backend/catalog.ts';

const WINDOW = 8_192;
const toModels = (body: unknown) => parseModels(body, WINDOW).map(({ model }) => model);
const llm = (id: string, contextWindow = WINDOW) => ({ id, kind: 'LLM', contextWindow });

test.each([
  ['OpenAI', { object: 'list', data: [{ id: 'gpt-4o', object: 'model' }] }, [llm('gpt-4o')]],
  ['vLLM', { data: [{ id: 'qwen', max_model_len: 4_096 }] }, [llm('qwen', 4_096)]],
  ['OpenRouter', { data: [{ id: 'a/b', context_length: 1_000_000 }] }, [llm('a/b')]],
  ['Ollama', { models: [{ id: 'llama3.2:3b' }] }, [llm('llama3.2:3b')]],
  ['a bare list', [{ id: 'm' }], [llm('m')]],
  [
    'llama-stack, old',
    {
      data: [
        { identifier: 'llama', model_type: 'llm' },
        { identifier: 'mini', model_type: 'embedding' },
      ],
    },
    [llm('llama'), { id: 'mini', kind: 'EMBEDDING', contextWindow: WINDOW }],
  ],
  [
    'llama-stack, new',
    {
      data: [
        { id: 'a/b', custom_metadata: { model_type: 'rerank' } },
        { id: 'c', custom_metadata: null },
      ],
    },
    [{ id: 'a/b', kind: 'OTHER', contextWindow: WINDOW }, llm('c')],
  ],
])('the models of %s are understood', (_name, body, models) => {
  expect(toModels(body)).toEqual(models);
});

test.each([
  ['text-embedding-3-small', 'EMBEDDING'],
  ['nomic-embed-text:latest', 'EMBEDDING'],
  ['BAAI/bge-m3', 'EMBEDDING'],
  ['all-MiniLM-L6-v2', 'EMBEDDING'],
  ['whisper-1', 'OTHER'],
  ['gpt-image-1', 'OTHER'],
  ['omni-moderation-latest', 'OTHER'],
  ['gpt-5-mini', 'LLM'],
])('without a declared type the id tells the kind: %s is %s', (id, kind) => {
  expect(toModels([{ id }])).toMatchObject([{ kind }]);
});

test('entries without an id and repetitions are left out', () => {
  expect(toModels({ data: [null, 7, {}, { id: '' }, { id: 'm' }, { id: 'm' }] })).toEqual([llm('m')]);
});

test.each([null, 'text', {}, { data: 'x' }])('a body that is no list is BACKEND_PROTOCOL: %j', (body) => {
  expect(() => parseModels(body, WINDOW)).toThrow(expect.objectContaining({ code: 'BACKEND_PROTOCOL' }));
});

test.each([
  ['a plain id', { id: 'gpt-4o' }, 'gpt-4o'],
  ['an id with a slash', { id: 'meta/llama' }, 'meta/llama'],
  [
    'llama-stack, old, already qualified',
    { identifier: 'openai/gpt-4o', provider_id: 'openai', provider_resource_id: 'gpt-4o' },
    'openai/gpt-4o',
  ],
  [
    'llama-stack, old, an alias',
    { identifier: 'mine', provider_id: 'openai', provider_resource_id: 'gpt-4o' },
    'openai/gpt-4o',
  ],
  [
    'llama-stack, old, without a resource',
    { identifier: 'meta/llama', provider_id: 'vllm' },
    'vllm/meta/llama',
  ],
  [
    'llama-stack, new',
    { id: 'openai/gpt-4o', custom_metadata: { provider_id: 'openai', provider_resource_id: 'gpt-4o' } },
    'openai/gpt-4o',
  ],
  [
    'llama-stack, new, an alias',
    { id: 'mine', custom_metadata: { provider_id: 'openai', provider_resource_id: 'gpt-4o' } },
    'openai/gpt-4o',
  ],
])(
  'a server that names providers is asked for provider/model, any other for its own id: %s',
  (_name, entry, wireId) => {
    expect(parseModels([entry], WINDOW)).toMatchObject([{ wireId }]);
  },
);
