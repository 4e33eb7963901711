/** What a client sends along for MCP servers. */
import { describe, expect, it } from 'vitest';
import { parseMcpHeaders } from '../../../src/tools/mcp-headers.ts';

describe('parseMcpHeaders', () => {
  it('reads header values by header by server, names in lower case', () => {
    const text = '{"tickets": {"Authorization": "Bearer abc", "X-Team": "blue"}, "empty": {}}';
    expect(parseMcpHeaders(text)).toEqual({
      tickets: { authorization: 'Bearer abc', 'x-team': 'blue' },
      empty: {},
    });
  });

  it('takes the object that a WebSocket client gives', () => {
    expect(parseMcpHeaders({ tickets: { 'X-Team': 'blue' } })).toEqual({ tickets: { 'x-team': 'blue' } });
  });

  it.each([undefined, null, ''])('is no headers when there are none: %j', (given) => {
    expect(parseMcpHeaders(given)).toEqual({});
  });

  it.each<[string, unknown]>([
    ['no JSON', '{'],
    ['a list', '[]'],
    ['a list of header lines', ['{}', '{}']],
    ['a text', '"tickets"'],
    ['a number', 7],
    ['a value that is no object', '{"tickets": "abc"}'],
    ['a header that is no text', '{"tickets": {"X-Team": 1}}'],
    ['an object deep down', '{"tickets": {"X-Team": {"a": "b"}}}'],
    ['a name that is none', '{"tickets": {"X Team": "blue"}}'],
    ['a line break in a name', '{"tickets": {"X-Team\\r\\nX-Evil": "blue"}}'],
    ['a line break in a value', '{"tickets": {"X-Team": "blue\\r\\nX-Evil: 1"}}'],
    ['more than 16 KiB', JSON.stringify({ tickets: { 'X-Team': 'b'.repeat(16_384) } })],
    ['more than 16 KiB as an object', { tickets: { 'X-Team': 'b'.repeat(16_384) } }],
  ])('refuses %s', (_what, given) => {
    expect(() => parseMcpHeaders(given)).toThrow(
      expect.objectContaining({ code: 'BAD_USER_INPUT', message: 'MCP-HEADERS cannot be read' }),
    );
  });

  it('never quotes a value', () => {
    const text = JSON.stringify({ tickets: { 'X-Team': 'secret-1234\n' } });
    expect(() => parseMcpHeaders(text)).toThrow(
      expect.objectContaining({
        details: { explanation: expect.not.stringContaining('secret-1234') },
      }),
    );
  });

  it('gives nothing to the prototype of other objects', () => {
    const headers = parseMcpHeaders('{"__proto__": {"polluted": "a"}, "constructor": {"prototype": "b"}}');
    expect(Object.getPrototypeOf(headers)).toBe(Object.prototype);
    expect(Object.hasOwn({}, 'polluted')).toBe(false);
    expect('polluted' in {}).toBe(false);
    expect('polluted' in headers).toBe(false);
  });
});
