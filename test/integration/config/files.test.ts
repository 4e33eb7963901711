import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Environment } from '../../../src/config/environment.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { findNode, isSecret, listLeaves, readOutline } from '../../../src/config/outline.ts';
import { readSecretFiles } from '../../../src/config/secret-files.ts';
import { notes } from '../../../src/config/vocabulary.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

function loadYaml(yaml: string, env: Environment = {}) {
  writeFileSync(join(folder, 'millrace.yaml'), yaml);
  return loadConfig({ env, flags: { config: 'millrace.yaml' }, cwd: folder });
}

const TWO_BACKENDS = `
backends:
  - { id: a, baseUrl: "http://a/v1" }
  - { id: b, baseUrl: "http://b/v1", models: [large, small] }
`;

describe('the YAML file', () => {
  it('is found by flag or by MILLRACE_CONFIG, relative to the working directory', () => {
    expect(loadYaml('server: { port: 1234 }').server.port).toBe(1234);
    expect(
      loadConfig({ env: { MILLRACE_CONFIG: 'millrace.yaml' }, flags: {}, cwd: folder }).server.port,
    ).toBe(1234);
  });

  it('may be empty', () => {
    expect(loadYaml('# nothing yet\n').server.port).toBe(4000);
  });

  it('gives way to the environment, key by key', () => {
    const { server } = loadYaml('server: { port: 1, host: localhost }', { PORT: '2' });
    expect(server).toMatchObject({ port: 2, host: 'localhost' });
  });

  it('lists backends, beside which the variables of the single one have no effect', () => {
    const config = loadYaml(`${TWO_BACKENDS}inference: { defaultProvider: b, defaultModel: small }`, {
      OPENAI_API_KEY: 'sk-ambient',
      OPENAI_MODEL: 'gpt',
    });
    expect(config.backends.map((backend) => backend.id)).toEqual(['a', 'b']);
    expect(config.inference).toEqual({ defaultProvider: 'b', defaultModel: 'small' });
  });

  it.each([
    ['sever: {}', /^sever in millrace\.yaml: unknown key; there are mode, server, .*\bdatabase, /],
    ['server: { prot: 1 }', /^server\.prot in millrace\.yaml: unknown key; there are host, port, /],
    ['server: { port: no }', /^server\.port in millrace\.yaml: expected a number from 0 to 65535, got "no"$/],
    ['server: 5', /^server in millrace\.yaml: expected a mapping with host, port, .*, got 5$/],
    [
      'backends: [{ baseUrl: "http://a/v1" }]',
      /^backends\[0\]\.id in millrace\.yaml: missing; expected a name/,
    ],
    ['backends: { apiKey: hunter2 }', /^backends in millrace\.yaml: expected a list, got a mapping$/],
    [
      'backends: [{ id: a, baseUrl: "http://a/v1" }, { id: a, baseUrl: "http://b/v1" }]',
      /^backends\[1\]\.id in millrace\.yaml: "a" is the id of another backend$/,
    ],
    [
      `${TWO_BACKENDS}inference: { defaultProvider: c, defaultModel: x }`,
      /^inference\.defaultProvider in millrace\.yaml: expected the id of a backend \(a, b\), got "c"$/,
    ],
    [
      'inference: { defaultModel: x }',
      /^inference in millrace\.yaml: set both defaultProvider and defaultModel/,
    ],
    ['- a\n- b\n', /^millrace\.yaml: expected a mapping of settings at the top$/],
    ['server: { port: 1', /^millrace\.yaml: .*line 1/],
    ['server: {}\nserver: {}\n', /^millrace\.yaml: Map keys must be unique at line 2/],
  ])('is refused in one line: %s', (yaml, message) => {
    expect(() => loadYaml(yaml)).toThrow(message);
    expect(() => loadYaml(yaml)).toThrow(/^[^\n]+$/);
  });

  it('names the setting when it cannot be read', () => {
    expect(() => loadConfig({ env: { MILLRACE_CONFIG: 'none.yaml' }, flags: {}, cwd: folder })).toThrow(
      'MILLRACE_CONFIG: cannot read "none.yaml" (ENOENT)',
    );
  });
});

describe('a secret in a file', () => {
  it('is read without the white space around it', () => {
    writeFileSync(join(folder, 'key'), 'sk-from-file\n');
    const { backends } = loadConfig({ env: { OPENAI_API_KEY_FILE: 'key' }, flags: {}, cwd: folder });
    expect(backends[0]?.apiKey).toBe('sk-from-file');
  });

  it('is not shown when it is not acceptable', () => {
    writeFileSync(join(folder, 'url'), 'hunter2');
    expect(() => loadConfig({ env: { DATABASE_URL_FILE: 'url' }, flags: {}, cwd: folder })).toThrow(
      /^DATABASE_URL_FILE: expected a postgres:\/\/ URL$/,
    );
  });
});

describe('a secret of the YAML file in a file of its own', () => {
  const KEY = 'a key of enough characters';
  const toKey = (key: string) => (/^\d+$/.test(key) ? Number(key) : key);
  const yaml = 'transcripts: { enabled: true, directory: out, hmacKeyFile: key';

  it('is read, without the white space around it', () => {
    writeFileSync(join(folder, 'key'), ` ${KEY}\n`);
    expect(loadYaml(`${yaml} }`).transcripts).toMatchObject({ hmacKey: KEY, directory: join(folder, 'out') });
  });

  it('may be every secret that has a key of its own', () => {
    const secrets = listLeaves().filter(({ node }) => isSecret(node));
    const without = secrets.filter(({ path }) => {
      const keys = path.replaceAll('[]', '.0').split('.');
      return findNode([...keys.slice(0, -1), `${keys.at(-1)}File`].map(toKey)).type !== 'string';
    });
    expect(secrets.length).toBeGreaterThan(6);
    expect(without.map(({ path }) => path)).toEqual([]);
  });

  it('is sent to the backend that it belongs to', () => {
    writeFileSync(join(folder, 'key'), 'sk-from-file\n');
    const id = 'id: own, baseUrl: "http://127.0.0.1:1/v1"';
    const [own] = loadYaml(`backends: [{ ${id}, apiKeyFile: key }]`).backends;
    expect(own?.apiKey).toBe('sk-from-file');
    const entra = '{ tenantId: t, clientId: c, clientSecretFile: key }';
    expect(loadYaml(`backends: [{ ${id}, kind: azure, entra: ${entra} }]`).backends[0]?.entra).toMatchObject({
      clientSecret: 'sk-from-file',
    });
    expect(loadYaml('openai: { apiKeyFile: key }').backends[0]?.apiKey).toBe('sk-from-file');
  });

  it('is found in lists and unions, where the schema has both keys', () => {
    writeFileSync(join(folder, 'key'), KEY);
    const secret = z
      .string()
      .optional()
      .meta(notes({ secret: true }));
    const item = z.strictObject({ pass: secret, passFile: z.string().optional(), aFile: z.string() });
    const root = readOutline(z.strictObject({ items: z.union([z.string(), z.array(item)]) }));
    const tree = { items: [{ aFile: 'b' }, { passFile: 'key' }], passFile: 'key' };
    expect(readSecretFiles(tree, { cwd: folder, file: 'x.yaml' }, root)).toEqual([
      { path: ['items', 1, 'pass'], origin: 'items[1].passFile in x.yaml', secret: KEY },
    ]);
  });

  it.each([
    [', hmacKey: also', /^transcripts\.hmacKeyFile in millrace\.yaml: set either this or hmacKey, not both$/],
    ['nowhere', /^transcripts\.hmacKeyFile in millrace\.yaml: cannot read "keynowhere" \(ENOENT\)$/],
  ])('is refused with %j behind it', (rest, message) => {
    writeFileSync(join(folder, 'key'), KEY);
    expect(() => loadYaml(`${yaml}${rest} }`)).toThrow(message);
  });

  it('is named by its key when it is not acceptable, and never shown', () => {
    writeFileSync(join(folder, 'key'), 'short');
    expect(() => loadYaml(`${yaml} }`)).toThrow(
      /^transcripts\.hmacKeyFile in millrace\.yaml: expected text of at least 16 characters$/,
    );
  });
});

describe('transcripts', () => {
  it.each([
    [
      '{ enabled: true }',
      /^transcripts\.directory in millrace\.yaml: missing; needed when transcripts are enabled$/,
    ],
    ['{ enabled: true, directory: x }', /^transcripts\.hmacKey in millrace\.yaml: missing; needed when /],
    [
      '{ redactions: [{ pattern: "(" }] }',
      /^transcripts\.redactions\[0\]\.pattern in .*expected a regular expression of up to 500 characters, got "\("$/,
    ],
    [
      `{ redactions: [{ pattern: "${'x'.repeat(501)}" }] }`,
      /^transcripts\.redactions\[0\]\.pattern in .*500 characters, got "x+…$/,
    ],
  ])('%s are refused', (transcripts, message) => {
    expect(() => loadYaml(`transcripts: ${transcripts}`)).toThrow(message);
  });
});
