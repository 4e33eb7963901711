/** Attacks by values: at every place of the schema that takes a text, and by what attachments hold. Each is refused with its code, or kept as it is and does nothing. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SENDERS } from '../../support/attack-senders.ts';
import { type AttackedApp, startAttackedApp } from '../../support/attacked-app.ts';
import { listPlaces, type Place } from '../../support/hostile-places.ts';

let attacked: AttackedApp;
beforeAll(async () => {
  attacked = await startAttackedApp({ authorization: { accessRules: [{ role: '*', actions: ['ADMIN'] }] } });
});
afterAll(() => attacked[Symbol.asyncDispose]());
afterEach(() => attacked.requireUnharmed());

const send = ({ kind, put }: Place, text: string) =>
  (kind === 'subscription' ? SENDERS.SSE : SENDERS.POST)(attacked.app, put(text));

const PLACES = listPlaces();
/** What is only looked for may be anything: it is not found. */
const SEARCHES = PLACES.filter(({ title }) => ['searchDocuments.query', 'models.provider'].includes(title));

it('there are many places', () => {
  expect(PLACES.length).toBeGreaterThan(60);
});

describe.each([
  ['NUL', 'a\0b'],
  ['a lone surrogate', 'a\ud800b'],
  ['a surrogate pair the wrong way round', 'a\udc00\ud800b'],
])('%s', (_what, text) => {
  it.each(PLACES)('at $title is refused and goes nowhere', async (place) => {
    const { codes } = await send(place, text);
    for (const code of codes) expect(['BAD_USER_INPUT', 'NOT_FOUND', 'CURSOR_INVALID']).toContain(code);
    if (!SEARCHES.includes(place)) expect(codes).not.toEqual([]);
  });
});

const INJECTIONS = [
  `'; DROP TABLE turn; --`,
  `' OR '1'='1`,
  `" OR ""="`,
  `\\'; SELECT pg_sleep(60); --`,
  `1); DELETE FROM conversation; --`,
  `$1 :x {{7*7}} \${jndi:ldap://127.0.0.1/} %n%s`,
  `__proto__`,
  `../../../etc/passwd`,
];

describe('SQL and other languages', () => {
  it.each(PLACES)('at $title are text', async (place) => {
    for (const text of INJECTIONS) {
      const { codes } = await send(place, text);
      expect(codes).not.toContain('INTERNAL_SERVER_ERROR');
      expect(codes).not.toContain('DEPENDENCY_UNAVAILABLE');
    }
    await attacked.forgive();
  });
});

const STRANGE = {
  'U+FFFE and U+FFFF': '\ufffe\uffff',
  'an override of the direction': '\u202eevil\u202c\u2066x\u2069',
  'a letter under a hundred accents': `z${'\u0301\u0338\u0489'.repeat(33)}`,
  'a family of emoji': '👩‍👩‍👧‍👦🏳️‍🌈',
  'two forms of one letter': '\u00e9e\u0301',
  'invisible characters': '\u200b\u200d\u2060\ufeff\u00ad\u{e0041}',
  'line ends of all kinds': '\r\n\r\n\u2028\u2029\u0085\v\f',
  'controls and an escape': '\u0001\u0007\u001b[31m\u007f',
  'a character beyond the basic plane': '\u{10ffff}\u{1f600}',
};

describe.each(Object.entries(STRANGE))('%s', (_what, strange) => {
  const text = `a${strange}b`;

  it('in a question, a title and an attachment is kept and passed on as it is', async () => {
    const { app, fake } = attacked;
    const asked = await SENDERS.POST(app, {
      query: 'mutation ($input: QueryInput!) { query(input: $input) { turn { query conversation { id } } } }',
      variables: {
        input: {
          query: text,
          attachments: [{ attachmentType: 'log', contentType: 'text/plain', content: { text } }],
        },
      },
    });
    const { turn } = JSON.parse(asked.text).data.query;
    expect(turn.query).toBe(text);
    expect(JSON.stringify(fake.responses.at(-1)?.body)).toContain(
      JSON.stringify(`${text}\n\n[Attachment: log]\n${text}`).slice(1, -1),
    );
    const renamed = await SENDERS.POST(app, {
      query:
        'mutation ($input: RenameConversationInput!) { renameConversation(input: $input) { conversation { topicSummary } } }',
      variables: { input: { conversationId: turn.conversation.id, topicSummary: text } },
    });
    expect(JSON.parse(renamed.text).data.renameConversation.conversation.topicSummary).toBe(text);
    await attacked.forgive();
  });
});

const PNG = '89504e470d0a1a0a';
const SVG = '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>';
const base64 = (hex: string, more = ''): object => ({
  base64: Buffer.concat([Buffer.from(hex, 'hex'), Buffer.from(more)]).toString('base64'),
});

describe('an attachment', () => {
  it.each([
    ['an SVG', 'image', 'image/svg+xml', { text: SVG }],
    ['an SVG that says to be a PNG', 'image', 'image/png', base64('', SVG)],
    ['an image in the name of a text', 'image', 'text/plain', { text: 'x' }],
    ['a GIF that is a script', 'image', 'image/png', base64('', 'GIF89a=0;alert(1)')],
    ['a PNG that says to be a JPEG', 'image', 'image/jpeg', base64(PNG)],
    ['an archive', 'image', 'image/png', base64('504b0304')],
    ['an image of no bytes', 'image', 'image/png', base64('')],
    ['a page', 'log', 'text/html', { text: '<script>alert(1)</script>' }],
    ['a type with a parameter', 'log', 'text/plain; charset=utf-8', { text: 'x' }],
    ['a type that is a path', '../../etc/passwd', 'text/plain', { text: 'x' }],
    ['a type that is the prototype', '__proto__', 'constructor', { text: 'x' }],
    ['a type of another case', 'LOG', 'text/plain', { text: 'x' }],
    ['two contents', 'log', 'text/plain', { text: 'x', base64: 'eA==' }],
    ['no content', 'log', 'text/plain', {}],
  ])('that is %s is refused', async (_what, attachmentType, contentType, content) => {
    const { codes } = await SENDERS.POST(attacked.app, {
      query: 'mutation ($input: StartTurnInput!) { startTurn(input: $input) { outcome } }',
      variables: { input: { query: 'Why?', attachments: [{ attachmentType, contentType, content }] } },
    });
    expect(codes).toEqual(['BAD_USER_INPUT']);
  });
});

describe('keys of the prototype', () => {
  const hostile = (text: string) => JSON.parse(text) as Record<string, unknown>;
  it.each([
    ['in an input', '{"input":{"query":"Why?","__proto__":{"polluted":true}}}'],
    [
      'in an input, as its constructor',
      '{"input":{"query":"Why?","constructor":{"prototype":{"polluted":true}}}}',
    ],
    ['for an input', '{"input":null,"__proto__":{"input":{"query":"Why?"}}}'],
    ['in an attachment', '{"input":{"query":"Why?","attachments":[{"__proto__":{"attachmentType":"log"}}]}}'],
  ])('%s are refused', async (_where, variables) => {
    const { codes } = await SENDERS.POST(attacked.app, {
      query: 'mutation ($input: StartTurnInput!) { startTurn(input: $input) { outcome } }',
      variables: hostile(variables),
    });
    expect(codes.length).toBeGreaterThan(0);
    expect(new Set(codes)).toEqual(new Set(['BAD_USER_INPUT']));
  });

  it.each([
    ['the request', '{"query":"{ serviceInfo { name } }","__proto__":{"polluted":true}}'],
    ['the variables', '{"query":"{ serviceInfo { name } }","variables":{"__proto__":{"polluted":true}}}'],
    ['the extensions', '{"query":"{ serviceInfo { name } }","extensions":{"__proto__":{"polluted":true}}}'],
  ])('in %s are nothing', async (_where, body) => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(attacked.app.graphql, { method: 'POST', body, headers });
    expect([200, 400]).toContain(response.status);
  });

  it('in headers for MCP servers are nothing', async () => {
    const response = await fetch(attacked.app.graphql, {
      method: 'POST',
      body: JSON.stringify({ query: '{ serviceInfo { name } }' }),
      headers: {
        'content-type': 'application/json',
        'mcp-headers': '{"__proto__":{"polluted":"true"},"constructor":{"prototype":{"x":"y"}}}',
      },
    });
    expect(JSON.stringify(await response.json())).not.toContain('INTERNAL_SERVER_ERROR');
  });
});
