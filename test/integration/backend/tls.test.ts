/** Whom a backend connection trusts, and what it shows of itself. */
import { expect, test } from 'vitest';
import { createBackend } from '../../../src/backend/client.ts';
import type { BackendConfig } from '../../../src/config/config.ts';
import { toBackendConfig } from '../../support/backend-config.ts';
import { startFakeBackend } from '../../support/fake-backend.ts';
import { CERTIFICATE, CERTIFICATE_KEY, writePemFiles } from '../../support/tls.ts';

const never = new AbortController().signal;
const server = { cert: CERTIFICATE, key: CERTIFICATE_KEY };
const list = (url: string, tls: Partial<BackendConfig['tls']>) =>
  createBackend(toBackendConfig(url, { tls: { insecureSkipVerify: false, ...tls } })).listModels(never);

test('a certificate of an unknown authority is refused, without a word about the address', async () => {
  await using fake = await startFakeBackend({ tls: server });
  await expect(list(fake.url, {})).rejects.toMatchObject({
    code: 'BACKEND_UNAVAILABLE',
    message: 'Unable to connect to fake',
    details: { explanation: 'No secure connection could be made.' },
  });
  expect(fake.journal).toEqual([]);
});

test('an authority that is named is trusted', async () => {
  await using fake = await startFakeBackend({ tls: server });
  await using files = await writePemFiles();
  expect(await list(fake.url, { caFile: files.certFile })).toHaveLength(1);
});

test('every certificate is taken when none is to be checked', async () => {
  await using fake = await startFakeBackend({ tls: server });
  expect(await list(fake.url, { insecureSkipVerify: true })).toHaveLength(1);
});

test('a backend that asks for a certificate is shown the configured one', async () => {
  await using fake = await startFakeBackend({ tls: { ...server, ca: CERTIFICATE, requestCert: true } });
  await using files = await writePemFiles();
  const { certFile, keyFile } = files;
  expect(await list(fake.url, { caFile: certFile, certFile, keyFile })).toHaveLength(1);
  await expect(list(fake.url, { caFile: certFile })).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
});

test('a file that cannot be read is said at once', () => {
  const tls = { insecureSkipVerify: false, caFile: '/nowhere/ca.pem' };
  expect(() => createBackend(toBackendConfig('https://127.0.0.1:9/v1', { tls }))).toThrow(
    'tls.caFile of the backend fake: cannot read "/nowhere/ca.pem" (ENOENT)',
  );
});
