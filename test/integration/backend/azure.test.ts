/** Azure wants its key in a header of its own, or a token of Microsoft Entra, and at its older address a version. */
import { expect, test } from 'vitest';
import { createBackend } from '../../../src/backend/client.ts';
import { toBackendConfig } from '../../support/backend-config.ts';
import { startFakeBackend } from '../../support/fake-backend.ts';
import { status } from '../../support/fake-backend-script.ts';
import { type FakeLogin, startFakeLogin } from '../../support/fake-login.ts';

const never = new AbortController().signal;
const SECRET = 'client-secret-0123456789';

function toEntra(login: FakeLogin) {
  return {
    tenantId: 'tenant',
    clientId: 'client',
    clientSecret: SECRET,
    authority: login.url,
    scope: 'https://cognitiveservices.azure.com/.default',
  };
}

test('a key goes into the header api-key, and nowhere else', async () => {
  await using fake = await startFakeBackend();
  const config = toBackendConfig(fake.url, { kind: 'azure', apiKey: 'key-0123456789' });
  await createBackend(config).listModels(never);
  expect(fake.journal[0]?.headers).toMatchObject({ 'api-key': 'key-0123456789' });
  expect(fake.journal[0]?.headers).not.toHaveProperty('authorization');
});

test.each([
  ['/v1', {}, '/openai/v1/models'],
  ['', {}, '/openai/models?api-version=2025-04-01-preview'],
  ['', { apiVersion: '2025-03-01-preview' }, '/openai/models?api-version=2025-03-01-preview'],
  ['?api-version=2024-10-21', {}, '/openai/models?api-version=2024-10-21'],
])('the older address is asked with a version, the newer one without: %j', async (end, overrides, path) => {
  await using fake = await startFakeBackend();
  fake.on(`GET ${path.split('?')[0]}`, () => status(200, { data: [{ id: 'mine' }] }));
  const baseUrl = fake.url.replace('/v1', `/openai${end}`);
  const backend = createBackend(toBackendConfig(baseUrl, { kind: 'azure', ...overrides }));
  expect(await backend.listModels(never)).toMatchObject([{ id: 'mine' }]);
  expect(fake.journal.map((request) => request.path)).toEqual([path]);
});

test('callers share one token, until it nears its end', async () => {
  await using fake = await startFakeBackend();
  await using login = await startFakeLogin();
  const backend = createBackend(toBackendConfig(fake.url, { kind: 'azure', entra: toEntra(login) }));
  await Promise.all(
    [backend.createConversation(never), backend.createConversation(never)].map(ignoreFailure),
  );
  await backend.listModels(never);
  expect(fake.journal.map(({ headers }) => headers.authorization)).toEqual(Array(3).fill('Bearer token-1'));
  expect(login.requests).toEqual([
    {
      path: '/tenant/oauth2/v2.0/token',
      form: {
        grant_type: 'client_credentials',
        client_id: 'client',
        client_secret: SECRET,
        scope: 'https://cognitiveservices.azure.com/.default',
      },
    },
  ]);
});

test('a token that is over is replaced', async () => {
  await using fake = await startFakeBackend();
  await using login = await startFakeLogin();
  login.expiresIn = 0.001;
  const backend = createBackend(toBackendConfig(fake.url, { kind: 'azure', entra: toEntra(login) }));
  await ignoreFailure(backend.createConversation(never));
  await ignoreFailure(backend.createConversation(never));
  expect(fake.journal.map(({ headers }) => headers.authorization)).toEqual([
    'Bearer token-1',
    'Bearer token-2',
  ]);
});

test('without a token nothing is sent, and the secret is not told', async () => {
  await using fake = await startFakeBackend();
  await using login = await startFakeLogin();
  login.status = 401;
  const backend = createBackend(toBackendConfig(fake.url, { kind: 'azure', entra: toEntra(login) }));
  const failure = await backend.listModels(never).catch((error: unknown) => error);
  expect(failure).toMatchObject({
    code: 'BACKEND_UNAVAILABLE',
    message: 'Unable to sign in to fake',
    details: { explanation: 'The login server answered with HTTP status 401.' },
  });
  expect(fake.journal).toEqual([]);
});

test('a login server that is not there is BACKEND_UNAVAILABLE', async () => {
  await using fake = await startFakeBackend();
  const login = await startFakeLogin();
  await login[Symbol.asyncDispose]();
  const entra = toEntra(login);
  const backend = createBackend(toBackendConfig(fake.url, { kind: 'azure', entra }));
  await expect(backend.listModels(never)).rejects.toMatchObject({
    code: 'BACKEND_UNAVAILABLE',
    details: { explanation: 'The login server could not be reached.' },
  });
});

async function ignoreFailure(promise: Promise<unknown>): Promise<void> {
  await promise.catch(() => undefined);
}
