import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppError } from '../../../src/errors.ts';
import { openAcknowledged, openRawSocket, refusedUpgrade } from '../../support/raw-socket.ts';
import { startTransportServer, type TransportServer } from '../../support/transport-server.ts';
import { connectSocket } from '../../support/transports.ts';

let server: TransportServer;
beforeAll(async () => {
  server = await startTransportServer({
    config: { server: { allowedOrigins: ['https://app.example'] } },
    authenticate: async ({ connectionParams }) => {
      const { refuse } = connectionParams ?? {};
      if (refuse === 'FAULT') throw new TypeError('secret');
      if (typeof refuse === 'string') throw new AppError(refuse as never, `No: ${'x'.repeat(200)}`);
      return { id: 'u1', name: 'u1', roles: [] };
    },
  });
});
afterAll(() => server[Symbol.asyncDispose]());

const subscribe = (id: string, query: string, rest: object = {}) => ({
  id,
  type: 'subscribe',
  payload: { query, ...rest },
});
const errorOf = (id: string) => (message: { type: string; id?: string }) =>
  message.type === 'error' && message.id === id;

describe('an upgrade', () => {
  it.each(['https://evil.example', 'null', 'https://app.example.evil.example', 'https://sub.app.example'])(
    'from the origin %s is refused with 403',
    async (origin) => {
      expect(await refusedUpgrade(server.socketUrl, { origin })).toBe(403);
    },
  );

  it('from a listed origin is accepted', async () => {
    const raw = await openRawSocket(server.socketUrl, { origin: 'https://app.example' });
    expect(raw.socket.extensions).toBe('');
    raw.socket.terminate();
  });

  it('to another path is refused with 404', async () => {
    expect(await refusedUpgrade(server.socketUrl.replace('/graphql', '/other'))).toBe(404);
  });

  it('never agrees to compress', async () => {
    const raw = await openRawSocket(server.socketUrl, { perMessageDeflate: true });
    expect(raw.socket.extensions).toBe('');
    raw.socket.terminate();
  });
});

describe('a connection is closed', () => {
  it.each([
    ['the legacy protocol', ['graphql-ws'], 4406],
    ['an unknown protocol', ['soap'], 4406],
    ['no protocol', [], 4406],
  ])('with 4406 for %s', async (_name, protocols, code) => {
    const raw = await openRawSocket(server.socketUrl, { protocols });
    expect((await raw.closed).code).toBe(code);
  });

  it('with 4408 when it is not initialised within three seconds', async () => {
    const raw = await openRawSocket(server.socketUrl);
    expect((await raw.closed).code).toBe(4408);
  });

  it('with 4429 for a second initialisation', async () => {
    const raw = await openAcknowledged(server.socketUrl);
    raw.send({ type: 'connection_init' });
    expect((await raw.closed).code).toBe(4429);
  });

  it('with 4401 for an operation before it is acknowledged', async () => {
    const raw = await openRawSocket(server.socketUrl);
    raw.send(subscribe('1', '{hello}'));
    expect((await raw.closed).code).toBe(4401);
  });

  it('with 4409 for an id that is in use', async () => {
    const raw = await openAcknowledged(server.socketUrl);
    raw.send(subscribe('1', 'subscription{waits}'));
    raw.send(subscribe('1', 'subscription{waits}'));
    expect((await raw.closed).code).toBe(4409);
  });

  it.each([
    ['no JSON', 'x'],
    ['null', 'null'],
    ['a list', '[]'],
    ['an unknown type', '{"type":"nonsense"}'],
    ['a type of the server', '{"type":"next","id":"1","payload":{}}'],
    ['no payload', '{"type":"subscribe","id":"1"}'],
    ['a query that is a number', '{"type":"subscribe","id":"1","payload":{"query":1}}'],
    [
      'variables that are a list',
      '{"type":"subscribe","id":"1","payload":{"query":"{hello}","variables":[]}}',
    ],
    ['bytes', Buffer.from('{"type":"ping"}')],
  ])('with 4400 for a message with %s', async (_name, message) => {
    const raw = await openAcknowledged(server.socketUrl);
    raw.socket.send(message);
    expect((await raw.closed).code).toBe(4400);
  });

  it('with 4400 for connection parameters that are no object', async () => {
    const raw = await openRawSocket(server.socketUrl);
    raw.send({ type: 'connection_init', payload: [] });
    expect((await raw.closed).code).toBe(4400);
  });

  it.each([
    ['UNAUTHENTICATED', 4401],
    ['TOKEN_EXPIRED', 4403],
    ['AUTH_UNAVAILABLE', 1013],
    ['FAULT', 1011],
  ])('when authentication answers %s, with %i', async (refuse, expected) => {
    const raw = await openRawSocket(server.socketUrl);
    raw.send({ type: 'connection_init', payload: { refuse } });
    const { code, reason } = await raw.closed;
    expect(code).toBe(expected);
    expect(reason).not.toContain('secret');
    expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(123);
  });

  it('with 1009 for a message of more than a mebibyte', async () => {
    const raw = await openAcknowledged(server.socketUrl);
    raw.socket.send('x'.repeat(1_100_000));
    expect((await raw.closed).code).toBe(1009);
  });

  it('with 1009 when fragments add up to more', async () => {
    const raw = await openAcknowledged(server.socketUrl);
    for (let i = 0; i < 20; i += 1) raw.socket.send('x'.repeat(64 * 1024), { fin: false });
    expect((await raw.closed).code).toBe(1009);
  });
});

describe('an operation', () => {
  it('is refused alone: its siblings go on', async () => {
    const raw = await openAcknowledged(server.socketUrl);
    raw.send(subscribe('sibling', 'subscription{waits}'));
    await raw.receive(({ type, id }) => type === 'next' && id === 'sibling');
    const refused = [
      ['parse', subscribe('parse', '{'), 'GRAPHQL_PARSE_FAILED'],
      ['validate', subscribe('validate', '{helo}'), 'GRAPHQL_VALIDATION_FAILED'],
      ['name', subscribe('name', 'query A{hello}', { operationName: 'B' }), 'OPERATION_RESOLUTION_FAILURE'],
      ['tokens', subscribe('tokens', `{${' hello'.repeat(10_000)}}`), 'GRAPHQL_PARSE_FAILED'],
    ] as const;
    for (const [id, message, code] of refused) {
      raw.send(message);
      expect(await raw.receive(errorOf(id))).toMatchObject({ payload: [{ extensions: { code } }] });
    }
    raw.send(subscribe('after', '{hello}'));
    await raw.receive(({ type, id }) => type === 'complete' && id === 'after');
    expect(raw.messages.some(({ id, type }) => id === 'sibling' && type === 'complete')).toBe(false);
    raw.socket.terminate();
  });

  it('is told about variables that do not fit in its result', async () => {
    const raw = await openAcknowledged(server.socketUrl);
    raw.send(subscribe('1', 'query($n: String!){hello(name: $n)}', { variables: { n: 7 } }));
    expect(await raw.receive(({ id }) => id === '1')).toMatchObject({
      payload: { errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] },
    });
    raw.socket.terminate();
  });

  it('knows its id when the client made it a UUID, and has its own request id', async () => {
    const raw = await openAcknowledged(server.socketUrl);
    const uuid = '0b5c6a1e-8f3d-4c7a-9a60-3f6c2f1d0e11';
    raw.send(subscribe(uuid, '{operationId requestId}'));
    raw.send(subscribe('1', '{operationId requestId}'));
    expect(await raw.receive(({ id }) => id === uuid)).toMatchObject({
      payload: { data: { operationId: uuid, requestId: expect.not.stringMatching(uuid) } },
    });
    expect(await raw.receive(({ id }) => id === '1')).toMatchObject({
      payload: { data: { operationId: null } },
    });
    raw.socket.terminate();
  });

  it('is refused with TOO_MANY_SUBSCRIPTIONS when twenty are open, and the socket stays', async () => {
    const raw = await openAcknowledged(server.socketUrl);
    for (let i = 1; i <= 20; i += 1) raw.send(subscribe(`${i}`, 'subscription{waits}'));
    await raw.receive(({ id, type }) => id === '20' && type === 'next');
    raw.send(subscribe('21', 'subscription{waits}'));
    expect(await raw.receive(errorOf('21'))).toMatchObject({
      payload: [{ extensions: { code: 'TOO_MANY_SUBSCRIPTIONS' } }],
    });
    raw.send({ type: 'complete', id: '1' });
    raw.send(subscribe('22', 'subscription{waits}'));
    await raw.receive(({ id, type }) => id === '22' && type === 'next');
    raw.socket.terminate();
  });
});

describe('the signal of an operation is aborted', () => {
  it.each(['waits', 'starting'])('when the client completes it: %s', async (field) => {
    await using own = await startTransportServer();
    const raw = await openAcknowledged(own.socketUrl);
    raw.send(subscribe('1', `subscription{${field}}`));
    await expect.poll(() => own.seen.started).toEqual([field]);
    raw.send({ type: 'complete', id: '1' });
    await expect.poll(() => own.seen.aborted).toEqual([field]);
    raw.send(subscribe('2', '{hello}'));
    await raw.receive(({ id, type }) => id === '2' && type === 'complete');
    expect(raw.messages.some(({ id, type }) => id === '1' && type === 'complete')).toBe(false);
  });

  it.each(['waits', 'starting'])('when the socket is lost: %s', async (field) => {
    await using own = await startTransportServer();
    const raw = await openAcknowledged(own.socketUrl);
    raw.send(subscribe('1', `subscription{${field}}`));
    await expect.poll(() => own.seen.started).toEqual([field]);
    raw.socket.terminate();
    await expect.poll(() => own.seen.aborted).toEqual([field]);
  });
});

describe('a peer', () => {
  it('that answers no ping is gone within twice the keep-alive', async () => {
    await using own = await startTransportServer({ config: { server: { keepAliveMs: 50 } } });
    const raw = await openRawSocket(own.socketUrl, { autoPong: false });
    raw.send({ type: 'connection_init' });
    const started = performance.now();
    expect((await raw.closed).code).toBe(1006);
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  it('that answers stays', async () => {
    await using own = await startTransportServer({ config: { server: { keepAliveMs: 20 } } });
    const raw = await openAcknowledged(own.socketUrl);
    let pings = 0;
    raw.socket.on('ping', () => {
      pings += 1;
    });
    await expect.poll(() => pings, { timeout: 20_000 }).toBeGreaterThan(4);
    expect(raw.socket.readyState).toBe(raw.socket.OPEN);
  });
});

describe('a stock client', () => {
  it.each([
    ['DEPENDENCY_UNAVAILABLE', 1013],
    ['SHUTTING_DOWN', 1012],
  ])(
    'whose question meets %s is sent to connect again with %i, and is told of no failure',
    async (code, closed) => {
      const raw = await openAcknowledged(server.socketUrl);
      const query = `subscription { away(code: "${code}") }`;
      raw.send({ id: 'a', type: 'subscribe', payload: { query } });
      expect(await raw.closed).toMatchObject({ code: closed });
      expect(raw.messages.map(({ type }) => type)).toEqual(['connection_ack']);
    },
  );

  it('whose question is refused for good is told so, and its socket stays', async () => {
    const raw = await openAcknowledged(server.socketUrl);
    raw.send({ id: 'a', type: 'subscribe', payload: { query: 'subscription { away(code: "FORBIDDEN") }' } });
    expect(await raw.receive(({ id }) => id === 'a')).toMatchObject({ type: 'next' });
    expect(raw.socket.readyState).toBe(raw.socket.OPEN);
    raw.socket.terminate();
  });

  it('connects again when a follower lost the database, for the socket is closed with 1013', async () => {
    const codes: number[] = [];
    const client = connectSocket(server.socketUrl, {
      on: { closed: (event) => codes.push((event as { readonly code: number }).code) },
    });
    const received: unknown[] = [];
    await new Promise<void>((resolve) => {
      const done = () => resolve();
      client.subscribe(
        { query: 'subscription{loses}' },
        { next: (result) => received.push(result), error: done, complete: done },
      );
    });
    expect(received).toEqual([{ data: { loses: 1 } }]);
    expect(codes).toEqual([1013]);
  });
});
