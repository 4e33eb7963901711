import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestApp, type TestApp } from '../../support/app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app[Symbol.asyncDispose]());

async function answerTo(question: string): Promise<string> {
  const query = 'mutation Ask($input: QueryInput!) { query(input: $input) { turn { status answer } } }';
  const response = await fetch(app.graphql, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables: { input: { query: question } } }),
  });
  const { data } = await response.json();
  return data.query.turn.answer;
}

it.each([
  ['What is Millrace?', 'What is Millrace?', 'a GraphQL server for language-model answers'],
  ['How do I point Millrace at Ollama?', 'How do I point Millrace at Ollama?', 'http://localhost:11434/v1'],
  ['How do I use OpenAI?', 'How do I point Millrace at OpenAI?', 'OPENAI_API_KEY='],
  [
    'What happens when the client disconnects?',
    'What happens when the client disconnects?',
    'its turn goes on',
  ],
  ['How do I resume after a dropped connection?', 'How does a client resume after a drop?', '`after`'],
  ['How do I cancel a turn?', 'How do I cancel a turn?', 'cancelTurn'],
  ['How can I import documents?', 'How do I import documents?', 'npm start -- documents import'],
  ['Where is my data stored?', 'Where is the data stored?', '.millrace'],
  ['Which metrics are there?', 'Which metrics are there?', 'millrace_turns_started_total'],
  ['Is there authentication?', 'Is there authentication?', 'authentication.module'],
])('%s is answered first by the passage under its heading', async (question, heading, words) => {
  const answer = await answerTo(question);
  const [first = ''] = answer.slice(answer.indexOf('[1]')).split('[2]');
  expect(first).toContain(heading);
  expect(first).toContain(words);
});
