/** Documents that attack: what each is, and the code it must get wherever it is sent. */
import type { Sent } from './attack-senders.ts';

export interface Attack extends Sent {
  readonly title: string;
  readonly query: string;
  /** Among the codes of the answer. */
  readonly code: string;
  /** `any`: no operation can be made out, so that every transport has to answer. */
  readonly kind: 'any' | 'query' | 'mutation' | 'subscription';
}

const NOBODY = '00000000-0000-4000-8000-000000000000';

const repeat = (count: number, make: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => make(index)).join(' ');

const attack = (code: string, kind: Attack['kind']) => (title: string, query: string, more?: object) => ({
  title,
  query,
  code,
  kind,
  ...more,
});

const unparsable = attack('GRAPHQL_PARSE_FAILED', 'any');
const invalid = attack('GRAPHQL_VALIDATION_FAILED', 'query');
const invalidStream = attack('GRAPHQL_VALIDATION_FAILED', 'subscription');
const complex = attack('OPERATION_TOO_COMPLEX', 'query');

const PARSING: readonly Attack[] = [
  unparsable('an unfinished document', '{'),
  unparsable('a comment alone', '# nothing'),
  unparsable('an unfinished string', '{ conversation(id: "x) { id } }'),
  unparsable('an unknown escape', '{ conversation(id: "\\x") { id } }'),
  unparsable('a NUL between names', '{ serviceInfo\u0000 { name } }'),
  unparsable('a lone surrogate as an escape', '{ conversation(id: "\\uD800") { id } }'),
  unparsable('an operation of no kind', 'destroy { everything }'),
  unparsable('10,000 tokens', `{ ${repeat(10_000, () => 'a')} }`),
  unparsable('a list that is 20,000 deep', `{ documents(first: ${'['.repeat(20_000)} ) }`),
  unparsable('an object that is 20,000 deep', `{ documents(first: ${'{a:'.repeat(20_000)} ) }`),
  unparsable('10,000 aliases', `{ ${repeat(10_000, (index) => `a${index}: serviceInfo { name }`)} }`),
  unparsable('5,000 directives', `{ serviceInfo { name ${repeat(5_000, () => '@include(if: true)')} } }`),
  unparsable('a selection that is 5,000 deep', `${'{ a '.repeat(5_000)}${'}'.repeat(5_000)}`),
];

const VALIDATION: readonly Attack[] = [
  invalid('an unknown field that is nearly one', '{ conversationz { id } }'),
  invalid('an unknown argument', '{ serviceInfo(secret: true) { name } }'),
  invalid('an unknown fragment', '{ ...Nobody }'),
  invalid('a fragment of an unknown type', '{ serviceInfo { ...F } } fragment F on Secret { name }'),
  invalid('a fragment that spreads itself', '{ ...F } fragment F on Query { serviceInfo { name } ...F }'),
  invalid(
    'fragments that spread each other',
    '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }',
  ),
  invalid(
    'a fragment that nobody spreads',
    '{ serviceInfo { name } } fragment F on Query { serviceInfo { name } }',
  ),
  invalid('a variable that is not declared', '{ conversation(id: $id) { id } }'),
  invalid('a variable that is not used', 'query ($id: ID) { serviceInfo { name } }'),
  invalid('a variable of an output type', 'query ($t: Turn) { serviceInfo { name } }'),
  invalid('a variable declared twice', 'query ($a: ID!, $a: ID!) { conversation(id: $a) { id } }'),
  invalid('a required argument that is missing', '{ conversation { id } }'),
  invalid('a number of the wrong kind', '{ conversations(first: 1.5) { edges { node { id } } } }'),
  invalid('a number beyond 32 bits', '{ conversations(first: 3000000000) { edges { node { id } } } }'),
  invalid('a text for a number', '{ conversations(first: "NaN") { edges { node { id } } } }'),
  invalid('a number beyond all numbers', '{ conversations(first: 1e400) { edges { node { id } } } }'),
  invalid('an object without a selection', '{ serviceInfo }'),
  invalid('a scalar with one', '{ serviceInfo { name { length } } }'),
  invalid('an unknown directive', '{ serviceInfo @admin { name } }'),
  invalid('a directive without its argument', '{ serviceInfo @skip { name } }'),
  invalid('a directive twice', '{ serviceInfo @skip(if: false) @skip(if: true) { name } }'),
  invalid('fields of one name that differ', '{ a: serviceInfo { name } a: providers { id } }'),
  invalid('two operations of one name', 'query A { serviceInfo { name } } query A { serviceInfo { name } }', {
    operationName: 'A',
  }),
  invalid('a definition of types beside it', 'query A { serviceInfo { name } } type Query { hacked: Int }', {
    operationName: 'A',
  }),
  invalid('the prototype as a field', '{ serviceInfo { __proto__ } }'),
  invalid('the constructor as a field', '{ serviceInfo { constructor } }'),
  invalid(
    'introspection in circles',
    `{ __schema { ${'types { fields { type { '.repeat(4)} name ${'} } }'.repeat(4)} } }`,
  ),
  invalidStream(
    'two fields in a subscription',
    'subscription { turnEvents(turnId: "1") { __typename } b: turnEvents(turnId: "1") { __typename } }',
  ),
  invalidStream(
    'two fields by a fragment',
    'subscription { ...F } fragment F on Subscription { a: turnEvents(turnId: "1") { __typename } b: turnEvents(turnId: "2") { __typename } }',
  ),
  invalidStream('introspection in a subscription', 'subscription { __typename }'),
  invalidStream(
    'a skipped root of a subscription',
    'subscription ($s: Boolean = true) { turnEvents(turnId: "1") @skip(if: $s) { __typename } }',
  ),
  invalidStream(
    'an unknown key in an input',
    'subscription { streamingQuery(input: { query: "x", admin: true }) { __typename } }',
  ),
  invalidStream(
    'the prototype in an input',
    'subscription { streamingQuery(input: { query: "x", __proto__: { admin: true } }) { __typename } }',
  ),
  invalidStream(
    'a key twice in an input',
    'subscription { streamingQuery(input: { query: "x", query: "y" }) { __typename } }',
  ),
  invalidStream(
    'two contents in one attachment',
    'subscription { streamingQuery(input: { query: "x", attachments: [{ attachmentType: "log", contentType: "text/plain", content: { text: "a", base64: "YQ==" } }] }) { __typename } }',
  ),
  invalidStream(
    'a word that the enum lacks',
    'subscription { streamingQuery(input: { query: "x", whenBusy: PANIC }) { __typename } }',
  ),
  invalidStream('null for a question', 'subscription { streamingQuery(input: null) { __typename } }'),
];

const doubling = repeat(24, (level) => `fragment F${level} on Query { ...F${level + 1} ...F${level + 1} }`);
const page = '(first: 100) { edges { node';
const conversations = (size: string, turns: string) =>
  `conversations${size} { edges { node { turns${turns} { edges { node { id query answer } } } } } }`;
const many = (size: string) => repeat(15, (index) => `a${index}: ${conversations(size, size)}`);
const TURNS_OF_TURNS =
  'turns(first: $n) { nodes { conversation { turns(first: $n) { nodes { answer } } } } }';
const COST: readonly Attack[] = [
  complex('16 aliases', `{ ${repeat(16, (index) => `a${index}: serviceInfo { name }`)} }`),
  complex('21 directives', `{ ${repeat(21, (index) => `a${index}: serviceInfo @skip(if: true) { name }`)} }`),
  complex(
    'aliases by fragments',
    `{ ...F } fragment F on Query { ${repeat(16, (index) => `a${index}: serviceInfo { name }`)} }`,
  ),
  complex('pages of pages', `{ conversations${page} { turns${page} { query answer } } } } } } }`),
  complex('pages of pages by a variable', `query ($n: Int) { ${many('(first: $n)')} }`, {
    variables: { n: 100 },
  }),
  complex(
    'pages of pages by two variables',
    `query ($n: Int!, $m: Int!) { ${conversations('(first: $n)', '(last: $m)')} }`,
    {
      variables: { n: 100, m: 100 },
    },
  ),
  complex('pages of pages by the default of a variable', `query ($n: Int = 100) { ${many('(last: $n)')} }`),
  complex('pages of pages without a size', `{ ${many('')} }`),
  complex(
    'pages of pages in a fragment',
    `query ($n: Int) { ...A } fragment A on Query { conversations(first: $n) { ...B } }
      fragment B on ConversationConnection { edges { node { turns(first: $n) { ...C } } } }
      fragment C on TurnConnection { edges { node { id query answer } } }`,
    { variables: { n: 100 } },
  ),
  attack('OPERATION_TOO_COMPLEX', 'subscription')(
    'pages of pages in a subscription',
    `subscription ($n: Int) { turnEvents(turnId: "${NOBODY}") { ... on StartEvent { turn { conversation { ${TURNS_OF_TURNS} } } } } }`,
    { variables: { n: 100 } },
  ),
  attack('OPERATION_TOO_COMPLEX', 'mutation')(
    'pages of pages in a mutation',
    `mutation ($n: Int) { cancelTurn(input: { turnId: "${NOBODY}" }) { turn { conversation { ${TURNS_OF_TURNS} } } } }`,
    { variables: { n: 100 } },
  ),
  complex(
    'fragments that double 24 times',
    `{ ...F0 } ${doubling} fragment F24 on Query { serviceInfo { name version } }`,
  ),
  complex('types in types', `{ __type(name: "Turn") ${'{ ofType '.repeat(9)}{ name }${' }'.repeat(9)} }`),
];

const wrongVariable = attack('BAD_USER_INPUT', 'query');
const PAGE_OF = 'query ($first: Int) { conversations(first: $first) { edges { node { id } } } }';
const VARIABLES: readonly Attack[] = [
  wrongVariable('an Int beyond 32 bits', PAGE_OF, { variables: { first: 3e9 } }),
  wrongVariable('an Int with a fraction', PAGE_OF, { variables: { first: 0.5 } }),
  wrongVariable('a text for an Int', PAGE_OF, { variables: { first: 'NaN' } }),
  wrongVariable('a list for an Int', PAGE_OF, { variables: { first: [1, 2] } }),
  wrongVariable('an object for an Int', PAGE_OF, { variables: { first: { valueOf: 1 } } }),
  wrongVariable('a million of a page', PAGE_OF, { variables: { first: 1_000_000 } }),
  wrongVariable(
    'a million of a page in the text',
    '{ conversations(first: 1000000) { edges { node { id } } } }',
  ),
  wrongVariable('less than nothing of a page', PAGE_OF, { variables: { first: -1 } }),
  wrongVariable('null of a page', '{ conversations(first: null) { edges { node { id } } } }'),
  wrongVariable('null of a page by a variable', PAGE_OF, { variables: { first: null } }),
  wrongVariable('null of a page from the back', '{ conversations(last: null) { edges { node { id } } } }'),
  wrongVariable('both ends of a page', '{ conversations(first: 1, last: 1) { edges { node { id } } } }'),
  attack('CURSOR_INVALID', 'query')(
    'a cursor that is none',
    '{ conversations(first: 1, after: "%00\' OR 1=1") { edges { node { id } } } }',
  ),
  wrongVariable('a missing variable', 'query ($id: ID!) { conversation(id: $id) { id } }'),
  wrongVariable('null where nothing may be null', 'query ($id: ID!) { conversation(id: $id) { id } }', {
    variables: { id: null },
  }),
  wrongVariable('an object for an id', 'query ($id: ID!) { conversation(id: $id) { id } }', {
    variables: { id: { $ne: null } },
  }),
  wrongVariable('an id of 10 KiB', 'query ($id: ID!) { conversation(id: $id) { id } }', {
    variables: { id: 'a'.repeat(10_240) },
  }),
];

const FORGED = ["' OR '1'='1", '../../etc/passwd', '%2e%2e', '$(id)', '__proto__'];
const withIds = (make: (code: string, id: string) => Attack): readonly Attack[] => [
  ...FORGED.map((id) => make('BAD_USER_INPUT', id)),
  make('NOT_FOUND', NOBODY),
];
const IDS: readonly Attack[] = [
  ...withIds((code, id) =>
    attack(code, 'query')(`the turn ${id}`, 'query ($id: ID!) { turn(id: $id) { id } }', {
      variables: { id },
    }),
  ),
  ...withIds((code, id) =>
    attack(code, 'query')(`the conversation ${id}`, 'query ($id: ID!) { conversation(id: $id) { id } }', {
      variables: { id },
    }),
  ),
  ...withIds((code, id) =>
    attack(code, 'subscription')(
      `the events of ${id}`,
      'subscription ($id: ID!) { turnEvents(turnId: $id) { __typename } }',
      { variables: { id } },
    ),
  ),
  ...withIds((code, turnId) =>
    attack(code, 'mutation')(
      `cancelling ${turnId}`,
      'mutation ($input: CancelTurnInput!) { cancelTurn(input: $input) { outcome } }',
      { variables: { input: { turnId } } },
    ),
  ),
  attack('NOT_FOUND', 'query')('the provider __proto__', '{ provider(id: "__proto__") { id } }'),
];

const unresolved = attack('OPERATION_RESOLUTION_FAILURE', 'any');
const TWO = 'query A { serviceInfo { name } } query B { serviceInfo { name } }';
const OPERATIONS: readonly Attack[] = [
  unresolved('no operation of that name', 'query A { serviceInfo { name } }', { operationName: 'B' }),
  unresolved('two operations and no name', TWO),
  unresolved('two operations and a name of neither', TWO, { operationName: '__proto__' }),
  unresolved('fragments alone', 'fragment F on Query { serviceInfo { name } }'),
];

export const HOSTILE_DOCUMENTS: readonly Attack[] = [
  ...PARSING,
  ...VALIDATION,
  ...COST,
  ...VARIABLES,
  ...IDS,
  ...OPERATIONS,
];
