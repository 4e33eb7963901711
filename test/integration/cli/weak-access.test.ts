/** What `millrace config check` says of settings that would leave a door open: exit code 78 and one line, which shows no secret. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runProgram } from '../../../src/cli/program.ts';
import { createOpenDirectory } from '../../support/postgres.ts';

const SECRET = 'hunter2-hunter2-hunter2';

async function run(command: 'check' | 'print', yaml: string) {
  await using folder = await createOpenDirectory();
  await writeFile(join(folder.path, 'millrace.yaml'), yaml);
  await writeFile(join(folder.path, 'empty.key'), '\n');
  let [out, err] = ['', ''];
  const code = await runProgram(['config', command], {
    env: { MILLRACE_CONFIG: 'millrace.yaml' },
    cwd: folder.path,
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
  });
  return { code, out, err };
}

const keys = (entry: string) =>
  `authentication: { module: api-key-token, apiKey: { keys: [{ id: a, ${entry} }] } }`;
const jwk = (settings: string) =>
  `authentication: { module: jwk-token, jwk: { url: "https://a.example/jwks", ${settings} } }`;

describe('is refused with 78 and one line', () => {
  it.each([
    ['an address that others reach, without a module', 'server: { host: 0.0.0.0 }', 'authentication.module'],
    ['tokens of any issuer', jwk('audience: a'), 'authentication.jwk.issuer'],
    ['tokens for anybody', jwk('issuer: i'), 'authentication.jwk.audience'],
    [
      'a shared secret',
      jwk('issuer: i, audience: a, algorithms: [HS256]'),
      'authentication.jwk.algorithms[0]',
    ],
    ['an empty key', keys('key: ""'), 'authentication.apiKey.keys[0].key'],
    ['a short key', keys('key: hunter2'), 'authentication.apiKey.keys[0].key'],
    ['an empty file of keys', keys('keyFile: empty.key'), 'authentication.apiKey.keys[0].keyFile'],
    ['no file of keys', keys('keyFile: none.key'), 'authentication.apiKey.keys[0].keyFile'],
    [
      'an authority that is not there',
      jwk('issuer: i, audience: a, caFile: none.pem'),
      'authentication.jwk.caFile',
    ],
    ['a key that nobody knows', 'authentication: { tokens: [] }', 'authentication.tokens'],
    [
      'ADMIN beside others',
      'authorization: { accessRules: [{ role: "*", actions: [ADMIN, INFO] }] }',
      'accessRules[0].actions',
    ],
  ])('%s', async (_what, yaml, where) => {
    const { code, err } = await run('check', yaml);
    expect(code).toBe(78);
    expect(err).toMatch(/^millrace: [^\n]+\n$/);
    expect(err).toContain(where);
    expect(err).not.toContain('hunter2');
  });
});

it('shows no key when the configuration is printed', async () => {
  const { code, out } = await run('print', keys(`key: ${SECRET}`));
  expect(code).toBe(0);
  expect(JSON.parse(out).authentication.apiKey.keys).toEqual([{ id: 'a', roles: [], key: '***' }]);
  expect(out).not.toContain('hunter2');
});
