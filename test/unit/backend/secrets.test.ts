import { expect, test } from 'vitest';
import { listToolSecrets, scrubEvent, toSecrets } from '../../../src/backend/secrets.ts';
import type { JsonObject } from '../../../src/types/json.ts';

const removeFrom = (text: string, tool: JsonObject): unknown =>
  scrubEvent({ type: 'error', message: text }, toSecrets(listToolSecrets([tool]))).message;

test.each([
  ['http://10.9.8.7:9123/mcp', 'no route to 10.9.8.7', 'no route to [removed]'],
  ['http://10.9.8.7:9123/mcp', 'http://10.9.8.7:9123/sse is silent', 'http://[removed]/sse is silent'],
  ['https://mcp.example.com/mcp', 'mcp.example.com refused', '[removed] refused'],
  ['https://mcp.example.com/k3y/mcp', 'https://mcp.example.com/k3y/mcp refused', '[removed] refused'],
  ['https://mcp.example.com/mcp?key=abc-def-1', 'bad key abc-def-1', 'bad key [removed]'],
  ['http://search:8080/mcp', 'file search failed', 'file search failed'],
  ['http://search:8080/mcp', 'search:8080 refused', '[removed] refused'],
  ['http://search/mcp', 'http://search/sse: file search failed', 'http:[removed]/sse: file search failed'],
  ['no address', 'no address here', '[removed] here'],
])('of the MCP server %s, "%s" becomes "%s"', (server_url, said, told) => {
  expect(removeFrom(said, { type: 'mcp', server_url })).toBe(told);
});

test('what headers hold is removed with and without its scheme', () => {
  const tool = { type: 'mcp', headers: { Authorization: 'Bearer abc.def', 'X-Short': 'a' } };
  expect(removeFrom('a bad abc.def', tool)).toBe('a bad [removed]');
});

test.each<JsonObject>([
  { type: 'response.output_text.delta', delta: 'models.test' },
  { type: 'response.output_item.done', item: { type: 'mcp_call', error: null, output: 'models.test' } },
  { type: 'response.completed', response: { status: 'completed', output: [{ text: 'models.test' }, null] } },
  { type: 'response.completed', response: 'models.test' },
])('what is no failure stays as it is: %j', (event) => {
  expect(scrubEvent(event, ['models.test'])).toEqual(event);
});
