/** Attacks by values: at every place of the schema that takes a text, and by what attachments hold. Each is refused with its code, or kept as it is and does nothing. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { answeredSoon } from '../../support/answered-soon.ts';
import { type Answer, SENDERS, SENDERS_OF } from '../../support/attack-senders.ts';
import { type AttackedApp, startAttackedApp } from '../../support/attacked-app.ts';
import { listPlaces } from '../../support/hostile-places.ts';

let attacked: AttackedApp;
beforeAll(async () => {
  attacked = await startAttackedApp({ authorization: { accessRules: [{ role: '*', actions: ['ADMIN'] }] } });
});
afterAll(() => attacked[Symbol.asyncDispose]());
afterEach(() => attacked.requireUnharmed());

const PLACES = listPlaces();
/** What is only looked for may be anything: it is not found. Nor does a server without authentication read a token. */
const FREE = ['searchDocuments.query', 'models.provider', 'refreshToken.input.token'];

it('there are many places', () => {
  expect(PLACES.length).toBeGreaterThan(60);
});

describe.each([
  ['NUL', 'a\0b'],
  ['a lone surrogate', 'a\ud800b'],
  ['a surrogate pair the wrong way round', 'a\udc00\ud800b'],
])('%s', (_what, text) => {
  it.each(PLACES)('at $title is refused and goes nowhere, by every transport', async (place) => {
    const sent = place.put(text);
    for (const name of SENDERS_OF[place.kind]) {
      const { codes } = await answeredSoon(() => SENDERS[name](attacked.app, sent));
      for (const code of codes)
        expect(['BAD_USER_INPUT', 'NOT_FOUND', 'CURSOR_INVALID'], name).toContain(code);
      if (!FREE.includes(place.title)) expect(codes, name).not.toEqual([]);
    }
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
  it.each(PLACES)('at $title are text, each by another transport', async ({ kind, put }) => {
    const names = SENDERS_OF[kind];
    for (const [index, text] of INJECTIONS.entries()) {
      const send = SENDERS[names[index % names.length] ?? 'SSE'];
      const { codes } = await send(attacked.app, put(text));
      expect(codes).not.toContain('INTERNAL_SERVER_ERROR');
      expect(codes).not.toContain('DEPENDENCY_UNAVAILABLE');
    }
    await attacked.forgive();
  });
});

/** A wrong question, by every transport. */
async function start(variables: Readonly<Record<string, unknown>>): Promise<readonly Answer[]> {
  const query = 'mutation ($input: StartTurnInput!) { startTurn(input: $input) { outcome } }';
  const answers: Answer[] = [];
  for (const name of SENDERS_OF.mutation) {
    answers.push(await answeredSoon(() => SENDERS[name](attacked.app, { query, variables })));
  }
  return answers;
}

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
  ])('that is %s is refused, by every transport', async (_what, attachmentType, contentType, content) => {
    const attachments = [{ attachmentType, contentType, content }];
    const answers = await start({ input: { query: 'Why?', attachments } });
    for (const { codes } of answers) expect(codes).toEqual(['BAD_USER_INPUT']);
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
  ])('%s are refused, by every transport', async (_where, variables) => {
    for (const { codes } of await start(hostile(variables))) {
      expect(codes.length).toBeGreaterThan(0);
      expect(new Set(codes)).toEqual(new Set(['BAD_USER_INPUT']));
    }
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
