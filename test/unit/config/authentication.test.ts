/** What is refused of the settings of authentication and authorisation, and how it is said. */
import { describe, expect, it } from 'vitest';
import { configSchema } from '../../../src/config/config.ts';
import { fromComplaints } from '../../../src/config/problems.ts';
import { toConfig } from '../../../src/config/rules.ts';

const context = { label: (...path: readonly PropertyKey[]) => path.join('.'), cwd: '/srv' };

function load(input: object) {
  const parsed = configSchema.safeParse(input, { reportInput: true });
  if (!parsed.success) throw fromComplaints(parsed.error, { file: undefined, origins: new Map() });
  return toConfig(parsed.data, context);
}

const complaint = (input: object): string => {
  try {
    load(input);
    return 'no complaint';
  } catch (error) {
    return (error as Error).message;
  }
};

const KEY = 'sixteen-letters!';
const keys = (...entries: readonly object[]) => ({
  authentication: { module: 'api-key-token', apiKey: { keys: entries } },
});
const JWK = { url: 'https://issuer.example/jwks', issuer: 'https://issuer.example', audience: 'millrace' };
const jwk = (values: object) => ({
  authentication: { module: 'jwk-token', jwk: Object.fromEntries(Object.entries({ ...JWK, ...values })) },
});

describe('the module', () => {
  it('is noop on loopback, when nothing says otherwise', () => {
    expect(load({}).authentication.module).toBe('noop');
  });

  it('must be named where other machines reach the server', () => {
    const server = { host: '0.0.0.0' };
    expect(complaint({ server })).toMatch(
      /^authentication\.module: missing; a server on 0\.0\.0\.0 must say/,
    );
    expect(complaint({ server, mode: 'development' })).toMatch(/^authentication\.module: missing/);
    expect(complaint({ server, authentication: { module: 'noop' } })).toBe('no complaint');
  });

  it('must be there for settings of a module, on loopback too', () => {
    expect(complaint({ authentication: { jwk: JWK } })).toBe(
      'authentication.module: missing; say which module the settings are for',
    );
  });

  it.each([
    ['api-key-token', 'apiKey'],
    ['jwk-token', 'jwk'],
  ])('%s needs its settings', (module, section) => {
    expect(complaint({ authentication: { module } })).toBe(
      `authentication.${section}: missing; the module ${module} needs it`,
    );
  });

  it('has no settings of another one beside it', () => {
    expect(complaint({ authentication: { module: 'k8s', jwk: JWK } })).toBe(
      'authentication.jwk: has no effect with the module k8s',
    );
  });

  it('is one of those that there are', () => {
    expect(complaint({ authentication: { module: 'none' } })).toMatch(
      /^authentication\.module: expected one of noop, /,
    );
    expect(complaint({ authentication: { modul: 'noop' } })).toMatch(/^authentication\.modul: unknown key/);
  });
});

describe('API keys', () => {
  it.each([
    ['empty', ''],
    ['blank', '   '],
    ['short', 'secret'],
    ['in words', 'a secret of many letters'],
    ['one of them short', `${KEY}\nsecret`],
  ])('are refused when %s, and not shown', (_what, key) => {
    const message = complaint(keys({ id: 'ada', key }));
    expect(message).toBe(
      'authentication.apiKey.keys.0.key: expected text of at least 16 letters, digits and signs a line',
    );
  });

  it('are there', () => {
    expect(complaint(keys())).toMatch(/^authentication\.apiKey\.keys: expected/);
    expect(complaint(keys({ id: 'ada' }))).toBe(
      'authentication.apiKey.keys.0.key: missing; set key or keyFile',
    );
  });

  it('stand for one viewer each', () => {
    expect(complaint(keys({ id: 'ada', key: KEY }, { id: 'bob', key: KEY }))).toBe(
      'authentication.apiKey.keys.1.key: is the key of another viewer too',
    );
  });

  it('can be several for one viewer, and in files', () => {
    const config = load(keys({ id: 'ada', key: `${KEY}1\n${KEY}2` }, { id: 'bob', keyFile: 'bob.key' }));
    expect(config.authentication.apiKey?.keys[1]).toMatchObject({
      id: 'bob',
      keyFile: '/srv/bob.key',
      roles: [],
    });
  });
});

describe('jwk', () => {
  it('is taken with an issuer and an audience', () => {
    expect(load(jwk({})).authentication.jwk).toMatchObject({
      ...JWK,
      userIdClaim: 'user_id',
      usernameClaim: 'username',
      cooldownMs: 30_000,
    });
    expect(complaint(jwk({ audience: ['a', 'b'] }))).toBe('no complaint');
  });

  it.each([
    ['issuer', 'insecureAnyIssuer'],
    ['audience', 'insecureAnyAudience'],
  ])('needs the %s, or the word that it is not looked at', (key, waiver) => {
    expect(complaint(jwk({ [key]: undefined }))).toBe(
      `authentication.jwk.${key}: missing; or set ${waiver}: true`,
    );
    expect(complaint(jwk({ [key]: undefined, [waiver]: true }))).toBe('no complaint');
    expect(complaint(jwk({ [waiver]: true }))).toBe(
      `authentication.jwk.${key}: set either this or ${waiver}`,
    );
  });

  it.each(['none', 'HS256', 'HS512', 'dir'])('takes no algorithm %s', (algorithm) => {
    expect(complaint(jwk({ algorithms: [algorithm] }))).toMatch(
      /^authentication\.jwk\.algorithms\[0\]: expected one of RS256/,
    );
  });

  it('takes no clock that is wrong by more than a minute', () => {
    expect(complaint(jwk({ clockToleranceMs: 60_001 }))).toMatch(
      /clockToleranceMs: expected a number from 0 to 60000/,
    );
  });

  it('fetches keys over TLS, unless on this machine', () => {
    expect(complaint(jwk({ url: 'http://issuer.example/jwks' }))).toMatch(
      /^authentication\.jwk\.url: expected https:/,
    );
    expect(complaint(jwk({ url: 'http://127.0.0.1:8080/jwks' }))).toBe('no complaint');
  });
});

it('what is known of a viewer is never older than 30 seconds', () => {
  const authentication = { module: 'k8s', recheckMs: 20_000, k8s: { cacheMs: 10_000 } };
  expect(complaint({ authentication })).toBe('no complaint');
  expect(complaint({ authentication: { ...authentication, recheckMs: 20_001 } })).toMatch(
    /recheckMs: expected a number from 1 to 20000/,
  );
  expect(complaint({ authentication: { ...authentication, k8s: { cacheMs: 10_001 } } })).toMatch(
    /cacheMs: expected a number from 1 to 10000/,
  );
});

describe('authorization', () => {
  const rule = (values: object) => ({
    authorization: {
      roleRules: [{ jsonpath: '$.groups[*]', operator: 'contains', value: 'a', roles: ['r'], ...values }],
    },
  });
  const access = (...accessRules: readonly object[]) => ({ authorization: { accessRules } });

  it.each([
    '$[(@.length-1)]',
    '$..[?(@.a.b())]',
    '$.a; process.exit()',
    '$[?match(@.a, "(a+)+$")]',
    '$[?search(@.a, "b")]',
    'groups',
    '$.',
  ])('refuses the path %s', (jsonpath) => {
    expect(complaint(rule({ jsonpath }))).toMatch(
      /roleRules\[0\]\.jsonpath: expected a JSONPath \(RFC 9535\)/,
    );
  });

  it.each(['$', '$.a.b[*]', "$['match']", '$..roles', '$[?@.active == true].name'])(
    'takes the path %s',
    (jsonpath) => {
      expect(complaint(rule({ jsonpath }))).toBe('no complaint');
    },
  );

  it.each([
    ['in', 'a', 'in needs a list'],
    ['match', 7, 'match needs a regular expression of up to 500 characters'],
    ['match', '(', 'is not a regular expression: '],
    ['match', '(?=a)', 'is not a regular expression: '],
    ['match', '(a)\\1', 'is not a regular expression: '],
  ])('refuses %s with %j', (operator, value, message) => {
    expect(complaint(rule({ operator, value }))).toContain(`roleRules[0].value: ${message}`);
  });

  it('lets ADMIN stand alone in its rule', () => {
    expect(complaint(access({ role: '*', actions: ['ADMIN', 'INFO'] }))).toBe(
      'authorization.accessRules[0].actions: ADMIN is everything: it stands alone in its rule',
    );
    expect(complaint(access({ role: '*', actions: ['ADMIN'] }))).toBe('no complaint');
  });

  it('refuses actions that there are not', () => {
    expect(complaint(access({ role: '*', actions: ['FLY'] }))).toMatch(
      /accessRules\[0\]\.actions\[0\]: expected one of ADMIN, /,
    );
  });

  it('refuses rules for a role that nobody can have', () => {
    expect(complaint(access({ role: 'admn', actions: ['ADMIN'] }))).toMatch(
      /^authorization\.accessRules\.0\.role: nobody has the role "admn"; roles that are given are \*/,
    );
  });
});
