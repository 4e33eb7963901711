/** Quotas and bounds of turns, over each transport of a subscription: one is refused by its code, and what runs beside it goes on. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../src/config/config.ts';
import { startTestApp, type TestApp } from '../support/app.ts';
import { readResults } from '../support/attack-senders.ts';
import { toQuestion } from '../support/clients.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { type FakeBackend, startFakeBackend } from '../support/fake-backend.ts';
import { createGate, stream, textResponse } from '../support/fake-backend-script.ts';
import { toLimiter } from '../support/quotas.ts';
import { openAcknowledged } from '../support/raw-socket.ts';

interface Result {
  readonly data?: { readonly streamingQuery: { readonly __typename: string } } | null;
  readonly errors?: readonly unknown[];
}

interface Subscription {
  /** Resolves with the first result. */
  readonly begun: Promise<unknown>;
  /** Resolves with everything that came, at the end. */
  readonly ended: Promise<readonly Result[]>;
}

/** A viewer's client that may subscribe several times; over WebSocket, on one socket. */
interface Client {
  subscribe(): Subscription;
  close(): Promise<unknown>;
}

type Connect = (app: TestApp, key: string) => Promise<Client>;

const overWebSocket: Connect = async (app, key) => {
  const raw = await openAcknowledged(app.ws, { authorization: `Bearer ${key}` });
  const resultsOf = (id: string): readonly Result[] =>
    raw.messages
      .filter((message) => message.id === id && message.type !== 'complete')
      .map(({ type, payload }) =>
        type === 'error' ? { errors: payload as unknown[] } : (payload as Result),
      );
  return {
    subscribe() {
      const id = crypto.randomUUID();
      raw.send({ id, type: 'subscribe', payload: toQuestion('May I?') });
      const last = raw.receive((message) => message.id === id && message.type !== 'next');
      return { begun: raw.receive((message) => message.id === id), ended: last.then(() => resultsOf(id)) };
    },
    close() {
      raw.socket.close();
      return raw.closed;
    },
  };
};

const overHttp =
  (accept: string): Connect =>
  async (app, key) => ({
    subscribe() {
      const begun = Promise.withResolvers<void>();
      const read = async (): Promise<readonly Result[]> => {
        const response = await fetch(app.graphql, {
          method: 'POST',
          headers: { accept, authorization: `Bearer ${key}`, 'content-type': 'application/json' },
          body: JSON.stringify(toQuestion('May I?')),
        });
        let text = '';
        for await (const chunk of response.body ?? []) {
          text += Buffer.from(chunk).toString();
          if (text.includes('StartEvent')) begun.resolve();
        }
        return readResults(text, response.headers.get('content-type') ?? '') as readonly Result[];
      };
      return { begun: begun.promise, ended: read() };
    },
    close: async () => {},
  });

const TRANSPORTS: readonly (readonly [name: string, connect: Connect])[] = [
  ['WebSocket', overWebSocket],
  ['SSE', overHttp('text/event-stream')],
  ['multipart', overHttp('multipart/mixed;subscriptionSpec=1.0')],
];

const LIMITS: readonly { readonly what: string; readonly config: ConfigInput; readonly refusal: object }[] = [
  {
    what: 'a quota of which all is set aside',
    config: { quotas: { limiters: [toLimiter('mine', { initialQuota: 2_000 })] } },
    refusal: { code: 'QUOTA_EXCEEDED', resetAt: expect.stringMatching(/^\d{4}-.*Z$/) },
  },
  {
    what: 'turnsPerViewer',
    config: { limits: { turnsPerViewer: 1 } },
    refusal: { code: 'TOO_MANY_STREAMS', retryAfterMs: expect.any(Number) },
  },
  {
    what: 'turnsPerNode',
    config: { limits: { turnsPerNode: 1 } },
    refusal: { code: 'TOO_MANY_STREAMS', retryAfterMs: expect.any(Number) },
  },
];

describe.each(LIMITS)('$what', ({ config, refusal }) => {
  let db: TestDatabase;
  let fake: FakeBackend;
  let app: TestApp;
  const toKey = (transport: string): string => `the-key-for-${transport}-which-is-long`;
  beforeAll(async () => {
    db = await createTestDatabase();
    fake = await startFakeBackend();
    await db.database.ping();
    const keys = TRANSPORTS.map(([id]) => ({ id, key: toKey(id) }));
    const authentication = { module: 'api-key-token', apiKey: { keys } } as const;
    app = await startTestApp({
      backend: fake.url,
      databaseUrl: db.url,
      config: { authentication, ...config },
    });
  });
  afterAll(async () => {
    await app[Symbol.asyncDispose]();
    await fake[Symbol.asyncDispose]();
    await db[Symbol.asyncDispose]();
  });

  async function look(): Promise<readonly number[]> {
    const [row] = await db.database.driver`
      SELECT (SELECT count(*) FROM turn) AS turns, (SELECT count(*) FROM conversation) AS conversations,
        (SELECT count(*) FROM quota_ledger) AS entries`;
    return [...Object.values(row ?? {}).map(Number), fake.responses.length];
  }

  it.each(TRANSPORTS)(
    'refuses one more over %s; nothing is asked or stored, and the first goes on',
    async (name, connect) => {
      const gate = createGate();
      fake.reply({
        ...stream(textResponse('One two three', { pieces: ['One', ' two', ' three'] })),
        holds: { 6: gate },
      });
      const client = await connect(app, toKey(name));
      const asked = fake.responses.length;
      const first = client.subscribe();
      await first.begun;
      await fake.received(asked + 1);
      const before = await look();
      expect(await client.subscribe().ended).toMatchObject([{ errors: [{ extensions: refusal }] }]);
      expect(await look()).toEqual(before);
      gate.release();
      const results = await first.ended;
      expect(results.flatMap(({ errors = [] }) => errors)).toEqual([]);
      expect(results.at(-1)?.data?.streamingQuery.__typename).toBe('EndEvent');
      await client.close();
    },
  );
});
