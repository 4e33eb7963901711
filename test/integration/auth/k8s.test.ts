/** The module k8s against an API server over TLS: whose token it is, who may come in, and every way the server can fail. */
import { rm, writeFile } from 'node:fs/promises';
import { getCACertificates } from 'node:tls';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Identify } from '../../../src/auth/authenticate.ts';
import { createK8s } from '../../../src/auth/modules/k8s.ts';
import { createRoleRules } from '../../../src/auth/role-rules.ts';
import { configSchema } from '../../../src/config/config.ts';
import { bearer, refusalOf } from '../../support/credentials.ts';
import { type FakeKubernetes, SERVICE_TOKEN, startFakeKubernetes } from '../../support/fake-kubernetes.ts';

let kubernetes: FakeKubernetes;
beforeAll(async () => {
  kubernetes = await startFakeKubernetes();
  kubernetes.users.set('ada-token', {
    username: 'ada',
    uid: 'uid-1',
    groups: ['staff'],
    extra: { scope: ['a'] },
  });
  kubernetes.users.set('bob-token', { username: 'bob', uid: 'uid-2' });
  kubernetes.users.set('root-token', { username: 'kube:admin', groups: ['system:cluster-admins'] });
  kubernetes.allowed.add('ada').add('kube:admin').add('system:anonymous');
});
beforeEach(() => {
  kubernetes.intercept = () => false;
});
afterAll(() => kubernetes[Symbol.asyncDispose]());

function createModule(values: object = {}): Identify {
  const { url: apiUrl, caFile, tokenFile } = kubernetes;
  const { k8s } = configSchema.parse({
    authentication: { k8s: { apiUrl, caFile, tokenFile, timeoutMs: 1_000, ...values } },
  }).authentication;
  if (k8s === undefined) throw new Error('there are settings');
  return createK8s(k8s);
}

describe('a token', () => {
  it('says who one is, after a review of the token and one of the access', async () => {
    const before = kubernetes.requests.length;
    expect(await createModule()(bearer('ada-token'))).toEqual({
      id: 'uid-1',
      name: 'ada',
      claims: { username: 'ada', uid: 'uid-1', groups: ['staff'], extra: { scope: ['a'] } },
    });
    expect(kubernetes.requests.slice(before)).toEqual([
      {
        path: '/apis/authentication.k8s.io/v1/tokenreviews',
        authorization: `Bearer ${SERVICE_TOKEN}`,
        spec: { token: 'ada-token' },
      },
      {
        path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
        authorization: `Bearer ${SERVICE_TOKEN}`,
        spec: {
          user: 'ada',
          uid: 'uid-1',
          groups: ['staff'],
          extra: { scope: ['a'] },
          nonResourceAttributes: { path: '/ls-access', verb: 'get' },
        },
      },
    ]);
  });

  it('of a cluster administrator without a uid is known by its name, and gets the roles that its groups give', async () => {
    const { id, claims = {} } = await createModule()(bearer('root-token'));
    expect(id).toBe('kube:admin');
    const { authorization } = configSchema.parse({
      authorization: {
        roleRules: [
          { jsonpath: '$.groups[*]', operator: 'contains', value: 'system:cluster-admins', roles: ['admin'] },
        ],
      },
    });
    expect(createRoleRules(authorization.roleRules)(claims)).toEqual(['admin']);
  });

  it('is reviewed once while the review holds, and again afterwards', async () => {
    const identify = createModule();
    const before = kubernetes.requests.length;
    await Promise.all([1, 2, 3].map(() => identify(bearer('ada-token'))));
    expect(kubernetes.requests.length - before).toBe(2);
    const brief = createModule({ cacheMs: 1 });
    await brief(bearer('ada-token'));
    kubernetes.allowed.delete('ada');
    const code = () =>
      brief(bearer('ada-token')).then(
        () => 'accepted',
        (error) => error.code,
      );
    await expect.poll(code).toBe('FORBIDDEN');
    kubernetes.allowed.add('ada');
    await expect.poll(code).toBe('accepted');
  });

  it('of nobody is refused', async () => {
    expect(await refusalOf(createModule(), bearer('other'))).toMatchObject({
      code: 'UNAUTHENTICATED',
      message: 'Invalid or expired Kubernetes token',
    });
  });

  it.each([
    ['system:anonymous', { username: 'system:anonymous', groups: ['system:unauthenticated'] }],
    ['a user without a name', { username: '', uid: 'uid-3' }],
    ['no user', undefined],
  ])('of %s is refused', async (_what, user) => {
    kubernetes.intercept = (_path, response) => {
      response.writeHead(201).end(JSON.stringify({ status: { authenticated: true, user } }));
      return true;
    };
    expect((await refusalOf(createModule(), bearer('anything'))).code).toBe('UNAUTHENTICATED');
  });

  it('of somebody who may not come in is refused as FORBIDDEN', async () => {
    expect(await refusalOf(createModule({ virtualPath: '/millrace' }), bearer('bob-token'))).toMatchObject({
      code: 'FORBIDDEN',
      message: 'User does not have permission to get /millrace',
    });
  });

  it('must be for the audience that is configured, and compared by a server that knows of audiences', async () => {
    const identify = createModule({ audiences: ['millrace'] });
    expect(await identify(bearer('ada-token'))).toMatchObject({ id: 'uid-1' });
    expect(kubernetes.requests.at(-2)?.spec).toEqual({ token: 'ada-token', audiences: ['millrace'] });
    kubernetes.intercept = (path, response) => {
      if (!path.endsWith('tokenreviews')) return false;
      response
        .writeHead(201)
        .end(JSON.stringify({ status: { authenticated: true, user: { username: 'ada' } } }));
      return true;
    };
    const fresh = createModule({ audiences: ['millrace'] });
    expect((await refusalOf(fresh, bearer('ada-token'))).code).toBe('UNAUTHENTICATED');
  });
});

describe('the API server', () => {
  const FAILURES: readonly (readonly [string, FakeKubernetes['intercept']])[] = [
    ['answers 500', (_path, response) => Boolean(response.writeHead(500).end('{}'))],
    ['answers 403', (_path, response) => Boolean(response.writeHead(403).end('{}'))],
    [
      'answers no review',
      (_path, response) => Boolean(response.writeHead(201).end('{"status":{"authenticated":"yes"}}')),
    ],
    ['answers no JSON', (_path, response) => Boolean(response.writeHead(201).end('yes'))],
    ['breaks off', (_path, response) => Boolean(response.destroy())],
    ['never answers', () => true],
    ['never answers whether the user may come in', (path) => path.endsWith('subjectaccessreviews')],
  ];

  it.each(FAILURES)('is away when it %s: 503, which is not kept', async (_what, intercept) => {
    const identify = createModule({ timeoutMs: 300 });
    kubernetes.intercept = intercept;
    expect(await refusalOf(identify, bearer('ada-token'))).toMatchObject({
      code: 'AUTH_UNAVAILABLE',
      message: 'Unable to connect to Kubernetes API',
    });
    kubernetes.intercept = () => false;
    expect(await createModule()(bearer('ada-token'))).toMatchObject({ id: 'uid-1' });
    expect(await identify(bearer('ada-token')).catch(({ code }) => code)).toMatchObject({ id: 'uid-1' });
  });

  it('is not believed without its certificate', async () => {
    const caFile = `${kubernetes.tokenFile}.pem`;
    await writeFile(caFile, getCACertificates()[0] ?? '');
    const identify = createModule({ caFile });
    await rm(caFile);
    expect((await refusalOf(identify, bearer('ada-token'))).code).toBe('AUTH_UNAVAILABLE');
  });

  it('is asked with the token that stands in the file now; without one nobody can tell', async () => {
    await rm(kubernetes.tokenFile);
    expect((await refusalOf(createModule(), bearer('ada-token'))).code).toBe('AUTH_UNAVAILABLE');
    await writeFile(kubernetes.tokenFile, SERVICE_TOKEN);
    expect(await createModule()(bearer('ada-token'))).toMatchObject({ id: 'uid-1' });
  });
});
