import { expect, it } from 'vitest';
import { renderStartScreen } from '../../../src/cli/start-screen.ts';
import type { StartupSummary } from '../../../src/types/app.ts';

const SUMMARY: StartupSummary = {
  version: '1.2.3',
  url: 'http://127.0.0.1:4000',
  graphiqlUrl: 'http://127.0.0.1:4000/graphql',
  backends: [
    { id: 'openai', location: 'https://api.openai.com/v1', model: 'gpt' },
    { id: 'local', location: 'http://127.0.0.1:11434/v1' },
  ],
  database: 'built-in (/srv/.millrace)',
};

it('says where to go, who answers, where the data is and how to stop', () => {
  expect(renderStartScreen(SUMMARY)).toBe(`
  Millrace 1.2.3 is ready.

  GraphiQL  http://127.0.0.1:4000/graphql
  GraphQL   http://127.0.0.1:4000/graphql (HTTP, SSE, WebSocket)
  Answers   openai, https://api.openai.com/v1, model gpt
            local, http://127.0.0.1:11434/v1
  Data      Postgres, built-in (/srv/.millrace)
  Stop      Ctrl+C

`);
});

it('names no GraphiQL where none is served, and DATABASE_URL without its value', () => {
  const screen = renderStartScreen({ ...SUMMARY, graphiqlUrl: null, database: 'DATABASE_URL' });
  expect(screen).not.toContain('GraphiQL');
  expect(screen).toContain('Postgres at DATABASE_URL');
});
