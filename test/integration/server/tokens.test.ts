/** Signed tokens, over HTTP and over WebSocket. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../../src/config/config.ts';
import { startTestApp, type TestApp } from '../../support/app.ts';
import { startKeyServer } from '../../support/key-server.ts';
import { startTokenLogin, type TokenLogin } from '../../support/token-login.ts';
import { askOverHttp, askOverSocket, closeOf } from '../../support/whoami.ts';

let login: TokenLogin;
beforeAll(async () => {
  login = await startTokenLogin();
});
afterAll(() => login[Symbol.asyncDispose]());

const withTokens = (): ConfigInput => ({
  authentication: login.authentication,
  authorization: {
    roleRules: [{ jsonpath: '$.groups[*]', operator: 'contains', value: 'staff', roles: ['reader'] }],
    accessRules: [{ role: 'reader', actions: ['INFO', 'LIST_CONVERSATIONS'] }],
  },
});

describe('with tokens', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startTestApp({ backend: login.fake.url, config: withTokens() });
  });
  afterAll(() => app[Symbol.asyncDispose]());

  it('the claims give roles, and the roles actions', async () => {
    const { body } = await askOverHttp(app, {
      authorization: `Bearer ${await login.sign({ groups: ['staff'] })}`,
    });
    expect(body.data).toEqual({
      viewer: { id: 'ada', name: 'Ada', roles: ['*', 'reader'], actions: ['LIST_CONVERSATIONS', 'INFO'] },
    });
    const params = { authorization: `Bearer ${await login.sign({ groups: ['staff'] })}` };
    expect(await askOverSocket(app, params)).toMatchObject({ id: 'ada', roles: ['*', 'reader'] });
  });

  it('a viewer without the role is known, but may do nothing', async () => {
    const { status, body } = await askOverHttp(app, { authorization: `Bearer ${await login.sign()}` });
    expect(status).toBe(200);
    expect(body.errors).toMatchObject([
      { message: 'User does not have permission to perform INFO', extensions: { code: 'FORBIDDEN' } },
    ]);
  });

  it('an expired token is told apart: TOKEN_EXPIRED over HTTP, 4403 over WebSocket, which stock clients retry', async () => {
    const token = await login.sign({ exp: Math.floor(Date.now() / 1000) - 60 });
    const { status, body } = await askOverHttp(app, { authorization: `Bearer ${token}` });
    expect(status).toBe(401);
    expect(body.errors).toMatchObject([
      { message: 'Token has expired', extensions: { code: 'TOKEN_EXPIRED' } },
    ]);
    expect(await closeOf(app, { authorization: `Bearer ${token}` })).toEqual({
      code: 4403,
      reason: 'Token has expired',
    });
  });

  it('a key server that is away is 503 with the time to wait, and 1013', async () => {
    await using away = await startKeyServer();
    away.answer((response) => response.writeHead(500).end());
    const { authentication } = withTokens();
    const jwk = { ...authentication?.jwk, url: away.url } as NonNullable<typeof authentication>['jwk'];
    await using other = await startTestApp({
      backend: login.fake.url,
      config: { authentication: { module: 'jwk-token', jwk } },
    });
    const authorization = `Bearer ${await login.sign()}`;
    const { status, headers, body } = await askOverHttp(other, { authorization });
    expect(status).toBe(503);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(1);
    expect(body.errors).toMatchObject([
      {
        message: 'Unable to reach authentication key server',
        extensions: { code: 'AUTH_UNAVAILABLE', retryable: true },
      },
    ]);
    expect((await closeOf(other, { authorization })).code).toBe(1013);
  });
});
