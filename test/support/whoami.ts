/** Asking a server who it takes one for, over HTTP and over WebSocket. */
import type { TestApp } from './app.ts';
import { openRawSocket } from './raw-socket.ts';
import { post } from './transport-server.ts';

export const WHO = '{ viewer { id name roles actions } }';

export interface Whoami {
  readonly viewer: {
    readonly id: string;
    readonly name: string;
    readonly roles: readonly string[];
    readonly actions: readonly string[];
  };
}

export const askOverHttp = (app: TestApp, headers: Readonly<Record<string, string>>) =>
  post(app.graphql, { query: WHO }, headers);

/** Who one is, when the connection is acknowledged. */
export async function askOverSocket(
  app: TestApp,
  params: unknown,
  headers: Readonly<Record<string, string>> = {},
) {
  const raw = await openRawSocket(app.ws, { headers });
  raw.send({ type: 'connection_init', payload: params });
  await raw.receive(({ type }) => type === 'connection_ack');
  raw.send({ id: '1', type: 'subscribe', payload: { query: WHO } });
  const { payload } = await raw.receive(({ id }) => id === '1');
  raw.socket.terminate();
  return (payload as { readonly data: Whoami }).data.viewer;
}

/** How a connection with these parameters is closed. */
export async function closeOf(app: TestApp, params: unknown) {
  const raw = await openRawSocket(app.ws);
  raw.send({ type: 'connection_init', payload: params });
  return raw.closed;
}
