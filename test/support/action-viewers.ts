/** One viewer for each action, who may do that and nothing else, and how they ask over each transport. */
import type { ConfigInput } from '../../src/config/config.ts';
import { ACTIONS } from '../../src/types/action.ts';
import type { TestApp } from './app.ts';
import { openAcknowledged, type RawSocket } from './raw-socket.ts';

/** The last may do nothing. */
export const VIEWERS = [...ACTIONS, 'nothing'] as const;
export type ViewerName = (typeof VIEWERS)[number];

const toKey = (viewer: ViewerName): string => `key-of-${viewer}-0123456789`;
/** The key by which the same viewer may do everything. */
export const toFullKey = (viewer: ViewerName): string => `full-key-of-${viewer}-0123456789`;

export const viewersConfig: ConfigInput = {
  authentication: {
    module: 'api-key-token',
    apiKey: {
      keys: VIEWERS.flatMap((viewer) => [
        { id: viewer, roles: [viewer], key: toKey(viewer) },
        { id: viewer, roles: ['ADMIN'], key: toFullKey(viewer) },
      ]),
    },
  },
  authorization: { accessRules: ACTIONS.map((action) => ({ role: action, actions: [action] })) },
};

export interface Result {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly {
    readonly message: string;
    readonly path?: readonly (string | number)[];
    readonly extensions: { readonly code: string };
  }[];
}

export interface Asked {
  readonly document: string;
  readonly title: string;
}

/** The first result of each, in order. */
export type Ask = (app: TestApp, viewer: ViewerName, asked: readonly Asked[]) => Promise<readonly Result[]>;

/** The first result of a request; what is left of a stream is not read. */
async function request(app: TestApp, viewer: ViewerName, query: string, accept: string): Promise<Result> {
  const response = await fetch(app.graphql, {
    method: 'POST',
    headers: { authorization: `Bearer ${toKey(viewer)}`, 'content-type': 'application/json', accept },
    body: JSON.stringify({ query }),
  });
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString();
    const json = /^data: (\{.+\})$/m.exec(text)?.[1] ?? /^(\{"payload".+\})\r?$/m.exec(text)?.[1];
    if (json === undefined) continue;
    const result = JSON.parse(json) as Result & { readonly payload?: Result };
    return result.payload ?? result;
  }
  return JSON.parse(text) as Result;
}

/** One after the other; subscriptions by the protocol of multipart. */
const overPost: Ask = (app, viewer, asked) =>
  Array.fromAsync(asked, ({ document }) => {
    const isSubscription = document.startsWith('subscription');
    const accept = isSubscription ? 'multipart/mixed;subscriptionSpec=1.0' : 'application/json';
    return request(app, viewer, document, accept);
  });

const overSse: Ask = (app, viewer, asked) =>
  Array.fromAsync(asked, ({ document }) => request(app, viewer, document, 'text/event-stream'));

const overWebSocket: Ask = async (app, viewer, asked) => {
  const raw = await openAsViewer(app, viewer);
  const results = await Array.fromAsync(asked, async ({ title: id, document }): Promise<Result> => {
    raw.send({ id, type: 'subscribe', payload: { query: document } });
    const { type, payload } = await raw.receive((message) => message.id === id);
    raw.send({ id, type: 'complete' });
    return type === 'error' ? { errors: payload as NonNullable<Result['errors']> } : (payload as Result);
  });
  raw.socket.close();
  await raw.closed;
  return results;
};

/** A WebSocket of a viewer who may do one thing. */
export const openAsViewer = (app: TestApp, viewer: ViewerName): Promise<RawSocket> =>
  openAcknowledged(app.ws, { authorization: `Bearer ${toKey(viewer)}` });

export const TRANSPORTS: readonly (readonly [name: string, ask: Ask])[] = [
  ['POST', overPost],
  ['SSE', overSse],
  ['WebSocket', overWebSocket],
];
