/** What nodes tell each other: grouped, small enough for Postgres, one at a time, and nothing that a stranger sends does harm. */
import { describe, expect, it } from 'vitest';
import { createAudience } from '../../../src/event-log/audience.ts';
import { createNodeNotifier, parseMessage } from '../../../src/event-log/notifications.ts';
import { newId } from '../../../src/lib/ids.ts';

/** Postgres refuses longer ones. */
const MAX_BYTES = 8_000;
const LARGEST = 2 ** 31 - 1;

function startNotifier(send: (payload: string) => Promise<void> = async () => {}) {
  const sent: string[] = [];
  let count = 0;
  const notifier = createNodeNotifier({
    send: (payload) => {
      sent.push(payload);
      return send(payload);
    },
    onSent: () => {
      count += 1;
    },
  });
  const messages = () => sent.map(parseMessage);
  return { notifier, sent, messages, count: () => count };
}

describe('notifications', () => {
  it('are one for all that is told in one go, with only the newest of each turn', async () => {
    const { notifier, messages } = startNotifier();
    notifier.tellNews({ turnId: 'a', fence: 1, seq: 4 });
    notifier.tellNews({ turnId: 'b', fence: 2, seq: 9 });
    notifier.tellNews({ turnId: 'a', fence: 1, seq: 5 });
    notifier.tellFollowing('c');
    notifier.tellFollowing('c');
    await notifier[Symbol.asyncDispose]();
    const news = [
      ['a', 1, 5],
      ['b', 2, 9],
    ];
    expect(messages()).toEqual([{ news, following: ['c'] }]);
  });

  it('are split, each far below what Postgres takes, when there are many turns', async () => {
    const { notifier, sent, messages } = startNotifier();
    const turnIds = Array.from({ length: 500 }, newId);
    for (const turnId of turnIds) {
      notifier.tellNews({ turnId, fence: LARGEST, seq: LARGEST });
      notifier.tellFollowing(turnId);
    }
    await notifier[Symbol.asyncDispose]();
    expect(Math.max(...sent.map((payload) => Buffer.byteLength(payload)))).toBeLessThan(MAX_BYTES * 0.9);
    expect(messages().flatMap(({ news }) => news.map(([turnId]) => turnId))).toEqual(turnIds);
    expect(messages().flatMap(({ following }) => following)).toEqual(turnIds);
  });

  it('wait for the one before, and go on when it could not be sent', async () => {
    const first = Promise.withResolvers<void>();
    const { notifier, messages, count } = startNotifier((payload) =>
      payload.includes('lost') ? first.promise : Promise.resolve(),
    );
    notifier.tellFollowing('lost');
    await Promise.resolve();
    for (let seq = 1; seq <= 50; seq += 1) notifier.tellNews({ turnId: 'a', fence: 1, seq });
    expect(messages()).toHaveLength(1);
    first.reject(new Error('away'));
    await notifier[Symbol.asyncDispose]();
    expect(messages().slice(1)).toEqual([{ news: [['a', 1, 50]], following: [] }]);
    expect(count()).toBe(1);
  });

  it.each(['', 'nonsense', '[]', 'null', '{"news":[["a"]]}', '{"following":7}', '{"news":"all"}'])(
    'say nothing when they cannot be read: %s',
    (payload) => {
      expect(parseMessage(payload)).toEqual({ news: [], following: [] });
    },
  );

  it('may say more than this version knows', () => {
    expect(parseMessage('{"following":["a"],"more":{}}')).toEqual({ news: [], following: ['a'] });
  });
});

describe('the audience of a turn', () => {
  it('is there until it has not been heard of for a while, or the turn is over', async () => {
    const audience = createAudience({ ttlMs: 20 });
    expect(audience.has('a')).toBe(false);
    audience.add('a');
    expect(audience.has('a')).toBe(true);
    await expect.poll(() => audience.has('a')).toBe(false);
    audience.add('a');
    audience.remove('a');
    expect(audience.has('a')).toBe(false);
  });
});
