import { expect, it } from 'vitest';
import { type Config, type ConfigInput, configSchema } from '../../../src/config/config.ts';
import { toLabel } from '../../../src/config/problems.ts';
import { toConfig } from '../../../src/config/rules.ts';
import { listWarnings } from '../../../src/config/warnings.ts';

type BackendInput = NonNullable<ConfigInput['backends']>[number];

const provenance = { file: 'millrace.yaml', origins: new Map<string, string>() };

function load(backend: Partial<BackendInput>): Config {
  const backends = [{ id: 'mine', baseUrl: 'https://llm.example/v1', ...backend }];
  const label = (...path: readonly PropertyKey[]) => toLabel(path, provenance);
  return toConfig(configSchema.parse({ backends }), { label, cwd: '/etc/millrace' });
}

const entra = { tenantId: 't', clientId: 'c', clientSecret: 's' };

it('paths of certificates are relative to where the server was started', () => {
  const [backend] = load({ tls: { caFile: 'ca.pem', certFile: '/c.pem', keyFile: 'k.pem' } }).backends;
  expect(backend?.tls).toEqual({
    caFile: '/etc/millrace/ca.pem',
    certFile: '/c.pem',
    keyFile: '/etc/millrace/k.pem',
    insecureSkipVerify: false,
  });
});

it.each<[Partial<BackendInput>, string]>([
  [{ entra, apiKey: 'k' }, 'backends[0].entra in millrace.yaml: set either this or apiKey, not both'],
  [
    { tls: { certFile: 'c.pem' } },
    'backends[0].tls in millrace.yaml: set both certFile and keyFile, or neither',
  ],
])('settings that contradict each other are refused: %j', (backend, message) => {
  expect(() => load(backend)).toThrow(message);
});

it.each(['all', 'none', [], ['vs_1']] as const)(
  'vector stores are all, none or a list: %j',
  (vectorStores) => {
    const [backend] = load({ vectorStores: vectorStores as BackendInput['vectorStores'] }).backends;
    expect(backend?.vectorStores).toEqual(vectorStores);
  },
);

it('a backend whose certificate is not checked is warned of, and no other', () => {
  expect(listWarnings(load({ tls: { insecureSkipVerify: true } }))).toContainEqual(
    expect.stringContaining('certificate of the backend mine'),
  );
  expect(listWarnings(load({ tls: { caFile: 'ca.pem' } })).join()).not.toContain('certificate');
});
