/** What is said of wrong settings of MCP servers and shields. */
import { describe, expect, it } from 'vitest';
import { type ConfigInput, configSchema } from '../../../src/config/config.ts';
import { fromComplaints } from '../../../src/config/problems.ts';
import { toConfig } from '../../../src/config/rules.ts';

const complaint = (input: unknown): string => {
  const parsed = configSchema.safeParse(input, { reportInput: true });
  if (parsed.success) return 'no complaint';
  return fromComplaints(parsed.error, { file: 'm.yaml', origins: new Map() }).message;
};

const server = { name: 'tickets', url: 'https://tickets.example.com/mcp' };
const of = (values: object) => complaint({ mcpServers: [{ ...server, ...values }] });

describe('mcpServers', () => {
  it('take defaults', () => {
    expect(configSchema.parse({ mcpServers: [server] }).mcpServers).toEqual([
      { ...server, requireApproval: 'never', roles: ['*'], headers: {}, allowPrivateAddresses: false },
    ]);
  });

  it('refuse a URL that does not lead to the public internet, unless that is allowed', () => {
    const url = 'http://127.0.0.1:8080/mcp';
    expect(of({ url })).toBe(
      'mcpServers[0].url in m.yaml: does not lead to the public internet (allowPrivateAddresses is false)',
    );
    expect(of({ url, allowPrivateAddresses: true })).toBe('no complaint');
  });

  it('refuse a password in a URL without showing it', () => {
    expect(of({ url: 'https://me:secret@tickets.example.com/', allowPrivateAddresses: true })).toBe(
      'mcpServers[0].url in m.yaml: holds a user name or a password',
    );
  });

  it('refuse the same name twice', () => {
    expect(complaint({ mcpServers: [server, server] })).toBe(
      'mcpServers[1].name in m.yaml: "tickets" is the name of another one',
    );
  });

  it.each([
    ['not the name of a header', { 'X Team': 'blue' }, 'X Team'],
    ['there twice', { 'X-Team': 'blue', 'x-team': 'red' }, 'x-team'],
  ])('refuse a header whose name is %s', (_what, headers, name) => {
    expect(of({ headers })).toContain(`mcpServers[0].headers.${name} in m.yaml: is `);
  });

  it.each([['a\nb'], [7], [{ from: 'elsewhere' }], [{ file: 'a', from: 'client' }], [{}]])(
    'refuse a header value without showing it: %j',
    (value) => {
      expect(of({ headers: { 'X-Team': value } })).toBe(
        'mcpServers[0].headers.X-Team in m.yaml: expected text, {file: path}, {from: kubernetes} or {from: client}',
      );
    },
  );

  it('take every source of a header', () => {
    const headers = { a: 'b', c: { file: 'd' }, e: { from: 'kubernetes' }, f: { from: 'client' } };
    expect(of({ headers })).toBe('no complaint');
  });
});

describe('shields', () => {
  const context = { label: (...path: readonly PropertyKey[]) => path.join('.'), cwd: '/' };
  const load = (input: ConfigInput) => toConfig(configSchema.parse(input), context);

  it('refuse the same id twice', () => {
    const shield = { id: 'guard', model: 'm' };
    expect(complaint({ shields: [shield, shield] })).toBe(
      'shields[1].id in m.yaml: "guard" is the id of another one',
    );
  });

  it('refuse a provider that is no backend', () => {
    const backends = [{ id: 'east', baseUrl: 'http://east/v1' }];
    const shield = { id: 'guard', model: 'm' };
    expect(() => load({ backends, shields: [{ ...shield, provider: 'west' }] })).toThrow(
      'shields.0.provider: expected the id of a backend (east), got "west"',
    );
    expect(load({ backends, shields: [{ ...shield, provider: 'east' }] }).shields).toHaveLength(1);
  });
});
