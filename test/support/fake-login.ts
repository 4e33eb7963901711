/** A login server of Microsoft Entra's form on loopback, which gives out numbered tokens and remembers who asked. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface LoginRequest {
  readonly path: string;
  readonly form: Readonly<Record<string, string>>;
}

export interface FakeLogin extends AsyncDisposable {
  /** The authority, without a trailing slash. */
  readonly url: string;
  readonly requests: readonly LoginRequest[];
  /** Status of the answers from now on. */
  status: number;
  /** Lifetime in seconds that the tokens are said to have. */
  expiresIn: number;
}

export async function startFakeLogin(): Promise<FakeLogin> {
  const requests: LoginRequest[] = [];
  const server = createServer(async (incoming, response) => {
    const form = Object.fromEntries(new URLSearchParams(await text(incoming)));
    requests.push({ path: incoming.url ?? '', form });
    response.writeHead(fake.status, { 'content-type': 'application/json' });
    const token = { access_token: `token-${requests.length}`, expires_in: fake.expiresIn };
    response.end(JSON.stringify(fake.status === 200 ? token : { error_description: form.client_secret }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const fake: FakeLogin = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    status: 200,
    expiresIn: 3_600,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return fake;
}
