/** A Kubernetes API server on loopback, over TLS, that reviews tokens and access as a test tells it. */

import { rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import type { JsonObject } from '../../src/types/json.ts';
import { CERTIFICATE, CERTIFICATE_KEY, writePemFiles } from './tls.ts';

export interface KubernetesRequest {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly spec: JsonObject;
}

export interface FakeKubernetes extends AsyncDisposable {
  readonly url: string;
  /** Files with its certificate and with the token of the service account. */
  readonly caFile: string;
  readonly tokenFile: string;
  readonly requests: readonly KubernetesRequest[];
  /** Users by their tokens: what a TokenReview says of them. */
  readonly users: Map<string, JsonObject>;
  /** Who may come in, by user name. */
  readonly allowed: Set<string>;
  /** Answers a request of this path in place of the above; return false to leave it to them. */
  intercept: (path: string, response: ServerResponse) => boolean;
}

export const SERVICE_TOKEN = 'service-account-token';

export async function startFakeKubernetes(): Promise<FakeKubernetes> {
  const files = await writePemFiles();
  const tokenFile = join(files.certFile, '..', 'token');
  await writeFile(tokenFile, `${SERVICE_TOKEN}\n`);
  const requests: KubernetesRequest[] = [];
  const users = new Map<string, JsonObject>();
  const allowed = new Set<string>();

  const review = (path: string, spec: JsonObject): JsonObject => {
    if (path.endsWith('/subjectaccessreviews')) return { allowed: allowed.has(String(spec.user)) };
    const user = users.get(String(spec.token));
    if (user === undefined) return { authenticated: false, error: 'invalid bearer token' };
    return { authenticated: true, user, ...(spec.audiences !== undefined && { audiences: spec.audiences }) };
  };
  const listener = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url ?? '';
    const { spec } = (await json(request)) as { readonly spec: JsonObject };
    const { authorization } = request.headers;
    requests.push({ path, authorization, spec });
    if (fake.intercept(path, response)) return;
    if (authorization !== `Bearer ${SERVICE_TOKEN}`) {
      response.writeHead(401).end('{"kind":"Status","code":401}');
      return;
    }
    response.writeHead(201, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ status: review(path, spec) }));
  };
  const server = createServer({ cert: CERTIFICATE, key: CERTIFICATE_KEY }, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const fake: FakeKubernetes = {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    caFile: files.certFile,
    tokenFile,
    requests,
    users,
    allowed,
    intercept: () => false,
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      await rm(tokenFile, { force: true });
      await files[Symbol.asyncDispose]();
    },
  };
  return fake;
}
