/** Attacks by strange characters: what Postgres and JSON can carry is kept and passed on as it is, whatever it looks like. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { answeredSoon } from '../../support/answered-soon.ts';
import { SENDERS, SENDERS_OF } from '../../support/attack-senders.ts';
import { type AttackedApp, startAttackedApp } from '../../support/attacked-app.ts';

let attacked: AttackedApp;
beforeAll(async () => {
  attacked = await startAttackedApp();
});
afterAll(() => attacked[Symbol.asyncDispose]());
afterEach(() => attacked.requireUnharmed());

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

/** As it stands in JSON. */
const written = (name: string, text: string): string => `${JSON.stringify(name)}:${JSON.stringify(text)}`;

describe.each(Object.entries(STRANGE))('%s', (_what, strange) => {
  const text = `a${strange}b`;

  it.each(SENDERS_OF.mutation)(
    'in a question, a title and an attachment is kept and passed on as it is, over %s',
    async (name) => {
      const { app, fake } = attacked;
      const asked = await SENDERS[name](app, {
        query:
          'mutation ($input: QueryInput!) { query(input: $input) { turn { query conversation { id } } } }',
        variables: {
          input: {
            query: text,
            attachments: [{ attachmentType: 'log', contentType: 'text/plain', content: { text } }],
          },
        },
      });
      expect(asked.text).toContain(written('query', text));
      expect(JSON.stringify(fake.responses.at(-1)?.body)).toContain(
        JSON.stringify(`${text}\n\n[Attachment: log]\n${text}`).slice(1, -1),
      );
      const [, conversationId] = /"conversation":\{"id":"([^"]+)"/.exec(asked.text) ?? [];
      const renamed = await SENDERS[name](app, {
        query:
          'mutation ($input: RenameConversationInput!) { renameConversation(input: $input) { conversation { topicSummary } } }',
        variables: { input: { conversationId, topicSummary: text } },
      });
      expect(renamed.text).toContain(written('topicSummary', text));
      await attacked.forgive();
    },
  );

  it('in the name, the title and the text of a document are kept as they are', async () => {
    const { app } = attacked;
    const document = { name: `${text}.md`, title: text, format: 'MARKDOWN', content: { text } };
    const imported = await SENDERS.POST(app, {
      query: `mutation ($input: ImportDocumentsInput!) {
        importDocuments(input: $input) { documents { outcome document { id name title } } } }`,
      variables: { input: { documents: [document] } },
    });
    expect(imported.codes).toEqual([]);
    const list = await SENDERS.POST(app, { query: '{ documents(first: 100) { nodes { name title } } }' });
    expect(list.text).toContain(`{${written('name', `${text}.md`)},${written('title', text)}}`);
  });
});

describe('a letter under 10,000 accents', () => {
  const text = `z${'\u0301\u0338\u0489\u035c'.repeat(2_500)}`;

  it('in a question and an attachment is kept and passed on as it is', async () => {
    const { app, fake } = attacked;
    const attachments = [{ attachmentType: 'log', contentType: 'text/plain', content: { text } }];
    const asked = await SENDERS.POST(app, {
      query: 'mutation ($input: QueryInput!) { query(input: $input) { turn { query } } }',
      variables: { input: { query: text, attachments } },
    });
    expect(asked.text).toContain(written('query', text));
    expect(JSON.stringify(fake.responses.at(-1)?.body)).toContain(`${text}\\n\\n[Attachment: log]\\n${text}`);
    await attacked.forgive();
  });

  const NOBODY = '00000000-0000-4000-8000-000000000000';
  const toImport = (document: object) => ({
    query:
      'mutation ($input: ImportDocumentsInput!) { importDocuments(input: $input) { documents { outcome } } }',
    variables: {
      input: { documents: [{ name: 'a.md', format: 'MARKDOWN', content: { text: 'x' }, ...document }] },
    },
  });
  it.each([
    [
      'the title of a conversation',
      {
        query:
          'mutation ($input: RenameConversationInput!) { renameConversation(input: $input) { conversation { id } } }',
        variables: { input: { conversationId: NOBODY, topicSummary: text } },
      },
    ],
    ['the name of a document', toImport({ name: text })],
    ['the title of a document', toImport({ title: text })],
  ])('is too long for %s', async (_what, sent) => {
    for (const name of SENDERS_OF.mutation) {
      const { codes } = await answeredSoon(() => SENDERS[name](attacked.app, sent));
      expect(codes).toEqual(['BAD_USER_INPUT']);
    }
  });
});
