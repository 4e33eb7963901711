/** Attacks by WebSocket: frames, messages, numbers of operations and sockets. Each gets its close code or its error; siblings go on, and nothing else happens. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type AttackedApp, startAttackedApp } from '../../support/attacked-app.ts';
import { createGate, type Gate, stream, textResponse } from '../../support/fake-backend-script.ts';
import { openRawHttp, UPGRADE } from '../../support/raw-http.ts';
import { openAcknowledged, openRawSocket, type RawSocket, refusedUpgrade } from '../../support/raw-socket.ts';

const WAITING = 50;
const MESSAGES = 200;
/** Sockets that a flood opens at once. */
const AT_ONCE = 500;

let attacked: AttackedApp;
beforeAll(async () => {
  attacked = await startAttackedApp({
    limits: { webSocketsWaiting: WAITING, messageRate: { count: MESSAGES, seconds: 3_600 } },
  });
});
afterAll(() => attacked[Symbol.asyncDispose]());
afterEach(() => attacked.requireUnharmed());

/** A frame of the WebSocket protocol, masked by zeros. */
function toFrame(first: number, payload: string | Buffer = '', announced?: Buffer): Buffer {
  const bytes = Buffer.from(payload);
  const length =
    announced ?? (bytes.length < 126 ? Buffer.from([0x80 | bytes.length]) : toLongLength(bytes.length));
  return Buffer.concat([Buffer.from([first]), length, Buffer.alloc(4), bytes]);
}

function toLongLength(length: number): Buffer {
  const header = Buffer.alloc(9, 0xff);
  header.writeBigUInt64BE(BigInt(length), 1);
  return header;
}

const TEXT = 0x81;

/** Resolves with the code of the close frame that answers the bytes; they are sent when the socket is open. */
async function closeCodeOf(bytes: Buffer): Promise<number> {
  const raw = await openRawHttp(attacked.app.url, ...UPGRADE);
  await expect.poll(() => raw.text()).toContain('\r\n\r\n');
  raw.socket.write(bytes);
  const text = await raw.ended;
  const frames = Buffer.from(text.slice(text.indexOf('\r\n\r\n') + 4), 'latin1');
  const at = frames.lastIndexOf(0x88);
  return frames.readUInt16BE(at + 2);
}

describe('a frame', () => {
  it.each([
    ['that is said to be compressed', toFrame(0xc1, 'x'), 1002],
    ['with another reserved bit', toFrame(0xa1, 'x'), 1002],
    ['of no known kind', toFrame(0x83, 'x'), 1002],
    ['of no known kind of control', toFrame(0x8b, 'x'), 1002],
    ['that is not masked', Buffer.from([TEXT, 1, 0x78]), 1002],
    ['of control in fragments', toFrame(0x09, 'x'), 1002],
    ['of control with more than 125 bytes', toFrame(0x89, 'x'.repeat(126)), 1002],
    ['that goes on without a beginning', toFrame(0x80, 'x'), 1002],
    ['that begins while another goes on', Buffer.concat([toFrame(0x01, '{'), toFrame(TEXT, '{}')]), 1002],
    ['that closes with a byte', toFrame(0x88, 'x'), 1002],
    ['that closes with a code that nobody may send', toFrame(0x88, Buffer.from([0x03, 0xed])), 1002],
    ['of text that is not UTF-8', toFrame(TEXT, Buffer.from([0xff])), 1007],
    ['of text with a surrogate', toFrame(TEXT, Buffer.from([0xed, 0xa0, 0x80])), 1007],
    ['that announces more than a mebibyte', toFrame(TEXT, '', toLongLength(1_048_577)), 1009],
    ['that announces more than all memory', toFrame(TEXT, '', toLongLength(2 ** 53 - 1)), 1009],
    ['of binary data', toFrame(0x82, '{"type":"ping"}'), 4400],
  ])('%s closes the socket', async (_what, bytes, code) => {
    expect(await closeCodeOf(bytes)).toBe(code);
  });

  it('in a hundred thousand fragments of one byte closes the socket', async () => {
    const raw = await openAcknowledged(attacked.app.ws);
    raw.socket.on('error', () => {});
    for (let index = 0; index < 100_000; index += 1) raw.socket.send('x', { fin: false });
    expect([1006, 1008]).toContain((await raw.closed).code);
  });
});

const message = (type: string, rest: object = {}): string => JSON.stringify({ type, ...rest });
const subscribe = (id: unknown, payload: unknown): string => message('subscribe', { id, payload });
const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

describe('an initialisation', () => {
  it.each([
    ['a text', message('connection_init', { payload: 'x' }), 4400],
    ['a list', message('connection_init', { payload: [{ authorization: 'x' }] }), 4400],
    ['a mebibyte', message('connection_init', { payload: { x: 'x'.repeat(1_048_576) } }), 1009],
    ['a list for the viewer', message('connection_init', { payload: { user_id: ['a', 'b'] } }), 4401],
    ['an object for the viewer', message('connection_init', { payload: { user_id: { id: 'a' } } }), 4401],
    ['a viewer with NUL', message('connection_init', { payload: { user_id: 'a\0' } }), 4401],
    ['a viewer of 10 KiB', message('connection_init', { payload: { user_id: 'a'.repeat(10_240) } }), 4401],
  ])('with %s closes the socket', async (_what, text, code) => {
    const raw = await openRawSocket(attacked.app.ws);
    raw.send(text);
    expect((await raw.closed).code).toBe(code);
  });

  it.each([
    ['nested 10,000 deep', nested(10_000)],
    ['with the prototype', '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'],
    [
      'with ten thousand keys',
      JSON.stringify(Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`k${i}`, i]))),
    ],
  ])('with parameters %s is one like others', async (_what, payload) => {
    const raw = await openRawSocket(attacked.app.ws);
    raw.send(`{"type":"connection_init","payload":${payload}}`);
    await raw.receive(({ type }) => type === 'connection_ack');
    raw.socket.terminate();
  });
});

describe('a message', () => {
  const query = '{ serviceInfo { name } }';
  it.each([
    ['with no type', '{}'],
    ['with a type that is the prototype', message('__proto__')],
    ['nested 100,000 deep', '['.repeat(100_000)],
    ['with an id that is a number', subscribe(1, { query })],
    ['with no id', message('subscribe', { payload: { query } })],
    ['with an empty id', subscribe('', { query })],
    ['with a payload that is a text', subscribe('1', query)],
    ['with a payload that is a list', subscribe('1', [{ query }])],
    ['with an operation name that is a number', subscribe('1', { query, operationName: 1 })],
    ['with variables that are a text', subscribe('1', { query, variables: '{}' })],
    ['with extensions that are a list', subscribe('1', { query, extensions: [] })],
    ['that completes without an id', message('complete')],
    ['that pings with a text', message('ping', { payload: 'x' })],
  ])('%s closes the socket with 4400', async (_what, text) => {
    const raw = await openAcknowledged(attacked.app.ws);
    raw.send(text);
    expect((await raw.closed).code).toBe(4400);
  });

  it.each(['__proto__', 'constructor', 'toString', 'x'.repeat(100_000)])(
    'with the id %.12s is answered under it or closes its socket, and changes nothing for others',
    async (id) => {
      const raw = await openAcknowledged(attacked.app.ws);
      raw.send(subscribe(id, { query }));
      const answered = raw.receive((received) => received.id === id).then(() => 'answered', String);
      expect(['answered', 'Error: closed with 4409 before the message came']).toContain(await answered);
      raw.socket.terminate();
    },
  );

  it('that completes what was never begun is nothing', async () => {
    const raw = await openAcknowledged(attacked.app.ws);
    raw.send(message('complete', { id: 'nobody' }));
    raw.send(message('ping'));
    await raw.receive(({ type }) => type === 'pong');
    raw.socket.terminate();
  });
});

/** A socket on which an answer streams; it stops in the middle until the gate is released. */
async function openStreaming(): Promise<{ readonly raw: RawSocket; readonly gate: Gate }> {
  const gate = createGate();
  attacked.fake.reply(stream(textResponse('One two', { pieces: ['One', ' two'] }), { holds: { 5: gate } }));
  const raw = await openAcknowledged(attacked.app.ws);
  raw.send(
    subscribe('sibling', {
      query:
        'subscription { streamingQuery(input: { query: "Count" }) { __typename ... on TurnEvent { turnId plainText } } }',
    }),
  );
  await raw.receive(({ payload }) => JSON.stringify(payload)?.includes('One') === true);
  return { raw, gate };
}

async function requireWholeAnswer({ raw, gate }: Awaited<ReturnType<typeof openStreaming>>): Promise<void> {
  gate.release();
  await raw.receive(({ id, type }) => id === 'sibling' && type === 'complete');
  const events = JSON.stringify(raw.messages.filter(({ id }) => id === 'sibling'));
  for (const part of ['One', ' two', 'EndEvent']) expect(events).toContain(part);
  raw.socket.terminate();
  await attacked.forgive();
}

describe('while an answer streams', () => {
  const refused = async (raw: RawSocket, payload: object): Promise<unknown> => {
    const id = crypto.randomUUID();
    raw.send(subscribe(id, payload));
    return (await raw.receive((received) => received.id === id)).payload;
  };

  it('a hundred operations that are refused leave it alone', async () => {
    const streaming = await openStreaming();
    const asked = attacked.fake.responses.length;
    for (let index = 0; index < 100; index += 1) {
      const query =
        index % 2 === 0 ? '{' : 'subscription { streamingQuery(input: { query: "" }) { __typename } }';
      await refused(streaming.raw, { query });
    }
    expect(attacked.fake.responses).toHaveLength(asked);
    await requireWholeAnswer(streaming);
  });

  it('the twenty-first operation is refused, and it goes on', async () => {
    const streaming = await openStreaming();
    const updates = { query: 'subscription { conversationUpdates { __typename } }' };
    for (let index = 0; index < 19; index += 1) await refused(streaming.raw, updates);
    expect(await refused(streaming.raw, updates)).toMatchObject([
      { extensions: { code: 'TOO_MANY_SUBSCRIPTIONS', retryAfterMs: 1_000 } },
    ]);
    await requireWholeAnswer(streaming);
  });

  it('subscribing and completing without end is refused, leaves nothing behind, and it goes on', async () => {
    const streaming = await openStreaming();
    const { raw } = streaming;
    const updates = { query: 'subscription { conversationUpdates { __typename } }' };
    for (let index = 0; index < MESSAGES * 0.9; index += 1) {
      raw.send(subscribe(`${index}`, updates));
      raw.send(message('complete', { id: `${index}` }));
    }
    expect(await refused(raw, updates)).toMatchObject([{ extensions: { code: 'RATE_LIMITED' } }]);
    const readMetrics = async (): Promise<string> => (await fetch(`${attacked.app.url}/metrics`)).text();
    await expect.poll(readMetrics).toContain('\nmillrace_updates_followers 0\n');
    await requireWholeAnswer(streaming);
  });

  it('all of that without end closes the socket, and the answer is there to be followed', async () => {
    const { raw, gate } = await openStreaming();
    for (let index = 0; index < MESSAGES * 2 + 1; index += 1) raw.send(message('ping'));
    expect((await raw.closed).code).toBe(1013);
    gate.release();
    const turnId = /"turnId":"([0-9a-f-]+)"/.exec(JSON.stringify(raw.messages))?.[1] ?? '';
    const again = await openAcknowledged(attacked.app.ws);
    again.send(
      subscribe('again', {
        query: `subscription { turnEvents(turnId: "${turnId}") { __typename ... on TurnEvent { plainText } } }`,
      }),
    );
    await again.receive(({ type }) => type === 'complete');
    expect(JSON.stringify(again.messages)).toContain('EndEvent');
    again.socket.terminate();
    await attacked.forgive();
  });
});

describe('a flood', () => {
  it('of pings with 64 KiB each closes the socket with 1013', async () => {
    const raw = await openAcknowledged(attacked.app.ws);
    for (let index = 0; index < MESSAGES; index += 1)
      raw.send(message('ping', { payload: { x: 'x'.repeat(65_536) } }));
    expect((await raw.closed).code).toBe(1013);
  });

  it('of 10,000 sockets that are never initialised fills no more than their places', async () => {
    const refused = new Map<string, number>();
    const open: RawSocket[] = [];
    const openNext = async (): Promise<void> => {
      const socket = await openRawSocket(attacked.app.ws).catch(String);
      if (typeof socket !== 'string') open.push(socket);
      else refused.set(socket, (refused.get(socket) ?? 0) + 1);
    };
    for (let made = 0; made < 10_000; made += AT_ONCE) {
      await Promise.all(Array.from({ length: AT_ONCE }, openNext));
      expect(open.filter(({ socket }) => socket.readyState === socket.OPEN).length).toBeLessThanOrEqual(
        WAITING,
      );
    }
    expect([...refused.keys()]).toEqual(['Error: Unexpected server response: 429']);
    expect(refused.get('Error: Unexpected server response: 429')).toBe(10_000 - open.length);
    const codes = await Promise.all(open.map(async ({ closed }) => (await closed).code));
    expect(new Set(codes)).toEqual(new Set([4408]));
    await expect
      .poll(() => openAcknowledged(attacked.app.ws).then((raw) => raw.socket.terminate()))
      .toBeUndefined();
  }, 60_000);

  it('from a foreign page is refused without taking a place', async () => {
    for (let index = 0; index < WAITING + 1; index += 1) {
      expect(await refusedUpgrade(attacked.app.ws, { origin: 'https://evil.example' })).toBe(403);
    }
    (await openAcknowledged(attacked.app.ws)).socket.terminate();
  });
});
