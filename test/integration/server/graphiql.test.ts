import { readFileSync } from 'node:fs';
import { buildSchema, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { GRAPHIQL_TABS } from '../../../src/server/graphiql-tabs.ts';
import { startTransportServer } from '../../support/transport-server.ts';

describe('GraphiQL', () => {
  it('is one page that loads nothing from elsewhere, in development', async () => {
    await using server = await startTransportServer({ mode: 'development' });
    const root = await fetch(server.url, { redirect: 'manual' });
    expect([root.status, root.headers.get('location')]).toEqual([302, '/graphql']);
    const page = await fetch(server.endpoint, { headers: { accept: 'text/html' } });
    expect(page.headers.get('content-type')).toContain('text/html');
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; .*connect-src 'self';/);
    const html = await page.text();
    expect(html).not.toMatch(/<(?:script|link|img)[^>]+(?:src|href)="?(?:https?:)?\/\//);
    for (const { query } of GRAPHIQL_TABS) expect(html).toContain(JSON.stringify(query));
  });

  const schema = buildSchema(readFileSync(new URL('../../../schema.graphql', import.meta.url), 'utf8'));
  it.each(GRAPHIQL_TABS)('opens with operations that fit the schema: $query', ({ query, variables }) => {
    expect(validate(schema, parse(query))).toEqual([]);
    const declared = [...query.matchAll(/\$(\w+):/g)].map(([, name]) => name);
    expect(Object.keys(variables)).toEqual(declared);
  });
});
