import { readFileSync } from 'node:fs';
import { getIntrospectionQuery, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { configSchema } from '../../../src/config/config.ts';
import { createSchema } from '../../../src/graphql/schema.ts';
import { createDocumentRules } from '../../../src/server/document-limits.ts';
import { GRAPHIQL_TABS } from '../../../src/server/graphiql-tabs.ts';

const schema = createSchema();
const { document: limits } = configSchema.parse({}).limits;
const rules = createDocumentRules(limits);

const check = (text: string) =>
  validate(schema, parse(text, { maxTokens: limits.tokens }), rules).map(({ message, extensions }) => ({
    message,
    code: extensions.code,
  }));

/** `__type` is a field like others; only `__schema` has a bound of its own. */
const nested = (depth: number) =>
  `{ __type(name: "Turn") ${'{ ofType '.repeat(depth - 2)}{ name }${' }'.repeat(depth - 2)} }`;
const aliased = (count: number) =>
  Array.from({ length: count }, (_, index) => `a${index}: serviceInfo { name }`).join(' ');

describe('an operation', () => {
  it.each([
    ['depth', nested(10), nested(11), 'Query depth limit of 10 exceeded, found 11.'],
    ['aliases', `{ ${aliased(15)} }`, `{ ${aliased(16)} }`, 'Aliases limit of 15 exceeded, found 16.'],
    [
      'aliases in fragments',
      `{ ...F } fragment F on Query { ${aliased(15)} }`,
      `{ ...F } fragment F on Query { ${aliased(16)} }`,
      'Aliases limit of 15 exceeded, found 16.',
    ],
    [
      'directives',
      `{ viewer: serviceInfo { name ${'@include(if: true) '.repeat(20)} } }`,
      `{ viewer: serviceInfo { name ${'@include(if: true) '.repeat(21)} } }`,
      'Directives limit of 20 exceeded, found 21.',
    ],
  ])('is bounded in %s', (_what, good, bad, message) => {
    expect(check(good)).toEqual([]);
    expect(check(bad)).toContainEqual({
      message: expect.stringContaining(message),
      code: 'OPERATION_TOO_COMPLEX',
    });
  });

  it('cannot hide depth in fragments: each counts where it is spread', () => {
    const spread = '{ ...A } fragment A on Query { ...B } fragment B on Query {';
    expect(check(`${spread} ${nested(11).slice(1)}`)).toMatchObject([{ code: 'OPERATION_TOO_COMPLEX' }]);
    expect(check(`${spread} ${nested(10).slice(1)}`)).toEqual([]);
  });

  it('whose fragments spread each other ends in a refusal, not in a loop', () => {
    expect(check('{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }')).toEqual([]);
  });
});

describe('what clients and tools send as a matter of course passes', () => {
  const everyField = readFileSync(new URL('../../support/every-field.graphql', import.meta.url), 'utf8');

  it.each([
    ['the stock introspection query', getIntrospectionQuery()],
    [
      'the fullest introspection query',
      getIntrospectionQuery({
        descriptions: true,
        specifiedByUrl: true,
        directiveIsRepeatable: true,
        schemaDescription: true,
        inputValueDeprecation: true,
        oneOf: true,
      }),
    ],
    ['every field of every event', everyField],
    ...GRAPHIQL_TABS.map(({ query }, index): [string, string] => [`tab ${index + 1} of GraphiQL`, query]),
  ] satisfies [string, string][])('%s', (_what, text) => {
    expect(check(text)).toEqual([]);
  });
});
