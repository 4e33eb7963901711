/** What operations cost by the pages they ask for, whether the sizes stand in the text, in variables or nowhere. */
import { readFileSync } from 'node:fs';
import { getIntrospectionQuery, Kind, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { configSchema } from '../../../src/config/config.ts';
import { createSchema } from '../../../src/graphql/schema.ts';
import { GRAPHIQL_TABS } from '../../../src/server/graphiql-tabs.ts';
import { costOf } from '../../../src/server/operation-cost.ts';
import { listPages, listSnippets } from '../../support/readme.ts';

const schema = createSchema();
const { cost: maxCost } = configSchema.parse({}).limits.document;

const cost = (text: string, variableValues: Readonly<Record<string, unknown>> = {}, operationName?: string) =>
  costOf({ schema, document: parse(text), operationName, variableValues });

const valid = (text: string) => {
  expect(validate(schema, parse(text))).toEqual([]);
  return text;
};

/** Each conversation costs 4 and what its turns do, each turn 5 and its fields. */
const pages = (outer: string, inner: string, fields = 'answer') =>
  `conversations${outer} { edges { node { turns${inner} { edges { node { ${fields} } } } } } }`;
const LARGEST = 2 + 100 * (4 + 2 + 100 * 5);
const DEFAULT = 2 + 20 * (4 + 2 + 20 * 5);

describe('the cost of an operation', () => {
  it.each([
    ['a scalar', '{ __typename }', 1],
    ['an object and its fields', '{ serviceInfo { name version } }', 4],
    ['a page', '{ conversations(first: 3) { nodes { id } } }', 2 + 3 * 3],
    ['what of a page there is once', '{ conversations(first: 3) { pageInfo { endCursor } } }', 2 + 3],
    ['a page from the back', '{ conversations(last: 3) { nodes { id } } }', 2 + 3 * 3],
    ['a page without a size', '{ conversations { nodes { id } } }', 2 + 20 * 3],
    ['null for a size', '{ conversations(first: null) { nodes { id } } }', 2 + 20 * 3],
    ['a page beyond all pages', '{ conversations(first: 1000000) { nodes { id } } }', 2 + 100 * 3],
    ['less than nothing', '{ conversations(first: -5) { nodes { id } } }', 2 + 3],
    ['both ends', '{ conversations(first: 1, last: 9) { nodes { id } } }', 2 + 9 * 3],
    ['a list without pages', '{ searchDocuments(query: "x", limit: 5) { text } }', 5 * 3],
    ['such a list without a size', '{ searchDocuments(query: "x") { text heading } }', 10 * 4],
    ['a subscription', 'subscription { turnEvents(turnId: "1") { __typename } }', 3],
    ['introspection, which has its own bound', getIntrospectionQuery(), 0],
  ])('is that of %s', (_what, text, expected) => {
    expect(cost(valid(text))).toBe(expected);
  });

  it('multiplies pages in pages', () => {
    expect(cost(`{ ${pages('(first: 100)', '(first: 100)')} }`)).toBe(LARGEST);
    expect(cost(`{ ${pages('', '')} }`)).toBe(DEFAULT);
  });

  it('takes the size of a page from its variable', () => {
    const text = valid(`query ($n: Int) { ${pages('(first: $n)', '(last: $n)')} }`);
    expect(cost(text, { n: 100 })).toBe(LARGEST);
    expect(cost(text, { n: 1_000_000 })).toBe(LARGEST);
    expect(cost(text, { n: 1 })).toBe(2 + (4 + 2 + 5));
    expect(cost(text, {})).toBe(DEFAULT);
    expect(cost(text, { n: null })).toBe(DEFAULT);
  });

  it('takes it from the default of the variable where it has no value', () => {
    const text = valid(`query ($n: Int = 100) { ${pages('(first: $n)', '(first: $n)')} }`);
    expect(cost(text)).toBe(LARGEST);
    expect(cost(text, { n: 1 })).toBe(2 + (4 + 2 + 5));
    expect(cost(text, { n: null })).toBe(DEFAULT);
  });

  it.each([
    ['a text', '5'],
    ['a list', [1]],
    ['an object', { valueOf: 1 }],
    ['true', true],
  ])('counts %s for a size as the largest page', (_what, n) => {
    expect(cost('query ($n: Int) { conversations(first: $n) { nodes { id } } }', { n })).toBe(2 + 100 * 3);
  });

  it('is not fooled by names of the prototype', () => {
    const text = 'query ($constructor: Int = 100) { conversations(first: $constructor) { nodes { id } } }';
    expect(cost(text)).toBe(2 + 100 * 3);
  });

  it('counts a fragment wherever it is spread, by the page it is spread in', () => {
    const fragment = 'fragment F on ConversationConnection { nodes { id } }';
    const spread = `{ a: conversations(first: 3) { ...F ...F } b: conversations(first: 9) { ...F } } ${fragment}`;
    expect(cost(valid(spread))).toBe(2 + 2 * 3 * 3 + 2 + 9 * 3);
    const inline =
      '{ ... on Query { conversations(first: 3) { ... { ... on ConversationConnection { nodes { id } } } } } }';
    expect(cost(valid(inline))).toBe(2 + 3 * 3);
  });

  it('of fragments that double 24 times is told at once', () => {
    const doubling = Array.from(
      { length: 24 },
      (_, level) => `fragment F${level} on Query { ...F${level + 1} ...F${level + 1} }`,
    );
    const text = `{ ...F0 } ${doubling.join(' ')} fragment F24 on Query { serviceInfo { name } }`;
    expect(cost(text)).toBe(2 ** 24 * 3);
  });

  it('is that of the operation that is executed', () => {
    const two = `query A { serviceInfo { name } } query B { ${pages('', '')} }`;
    expect([cost(two, {}, 'A'), cost(two, {}, 'B'), cost(two)]).toEqual([3, DEFAULT, 0]);
  });
});

const onPages = listPages()
  .flatMap((page) => listSnippets(page))
  .filter(({ language }) => language === 'graphql');
const everyField = readFileSync(new URL('../../support/every-field.graphql', import.meta.url), 'utf8');
const TURN = 'id query answer status startedAt model provider';
const ALL_OF_A_TURN = `${TURN} completedAt finishReason truncated clientTurnId conversationId interruptReason
  interruptedBy ragChunkCount error { code message } referencedDocuments { title url }
  toolCalls { name args } chunks { content score }`;

describe('what clients send as a matter of course costs less than the limit:', () => {
  it.each([
    ['every field of every event', everyField],
    ['20 conversations with 20 turns each', `{ ${pages('(first: 20)', '(first: 20)', TURN)} }`],
    [
      'as many with where they lie',
      `{ conversations { pageInfo { hasNextPage endCursor } ${pages('', '', TURN).slice(
        'conversations {'.length,
      )} }`,
    ],
    [
      '100 conversations',
      '{ conversations(first: 100) { edges { cursor node { id ownerId topicSummary createdAt lastMessageAt messageCount lastUsedModel lastUsedProvider referencedDocuments { turnCount document { url title } } } } } }',
    ],
    [
      '100 turns with all there is of them',
      `{ conversation(id: "1") { id turns(first: 100) { edges { cursor node { ${ALL_OF_A_TURN} } } } } }`,
    ],
    [
      '100 documents',
      '{ documents(first: 100) { edges { node { id name title url format byteSize passageCount importedAt } } } }',
    ],
    ...GRAPHIQL_TABS.map(({ query }, index): [string, string] => [`tab ${index + 1} of GraphiQL`, query]),
    ...onPages.map(({ place, text }): [string, string] => [place, text]),
  ] satisfies [string, string][])('%s', (_what, text) => {
    for (const definition of parse(valid(text)).definitions) {
      if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
      expect(cost(text, {}, definition.name?.value)).toBeLessThanOrEqual(maxCost);
    }
  });
});
