/** Listening on real Postgres: what is sent arrives, and every loss is told. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createListener, type Listener, type Subscriber } from '../../../src/db/listener.ts';
import { createLog } from '../../../src/log.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { startTestPostgres } from '../../support/postgres.ts';
import { createRecordedLog } from '../../support/recorded-log.ts';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db[Symbol.asyncDispose]());

const listenTo = (url: string): Listener => createListener({ url, log: createLog('silent') });

interface Heard extends Subscriber {
  readonly messages: readonly string[];
  readonly connects: number;
}

function record(): Heard {
  const messages: string[] = [];
  let connects = 0;
  return {
    messages,
    get connects() {
      return connects;
    },
    onMessage: (payload) => void messages.push(payload),
    onConnect: () => {
      connects += 1;
    },
  };
}

const notify = (channel: string, payload: string) => db.database.driver.notify(channel, payload);

describe('a listener', () => {
  it('delivers what is sent on a channel to all who listen on it, and to nobody else', async () => {
    await using listener = listenTo(db.url);
    const [first, second, other] = [record(), record(), record()];
    listener.listen('News "of" today', first);
    const leaving = listener.listen('News "of" today', second);
    listener.listen('other', other);
    await expect.poll(() => [first, second, other].map(({ connects }) => connects)).toEqual([1, 1, 1]);
    await notify('News "of" today', 'one');
    await expect.poll(() => [first.messages, second.messages]).toEqual([['one'], ['one']]);
    leaving[Symbol.dispose]();
    await notify('News "of" today', 'two');
    await expect.poll(() => first.messages).toEqual(['one', 'two']);
    expect(second.messages).toEqual(['one']);
    expect(other.messages).toEqual([]);
  });

  it('listens on a channel that is asked for when the connection stands', async () => {
    await using listener = listenTo(db.url);
    const [early, late] = [record(), record()];
    listener.listen('early', early);
    await expect.poll(() => early.connects).toBe(1);
    listener.listen('late', late);
    await expect.poll(() => late.connects).toBe(1);
    await notify('late', 'news');
    await expect.poll(() => late.messages).toEqual(['news']);
    expect(early.connects).toBe(1);
  });

  it('tells of a connection that was cut, and listens again', async () => {
    await using listener = listenTo(db.url);
    const heard = record();
    listener.listen('news', heard);
    await expect.poll(() => heard.connects).toBe(1);
    await db.database.driver`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE application_name = 'millrace-listen' AND datname = current_database()`;
    await expect.poll(() => heard.connects).toBe(2);
    await notify('news', 'again');
    await expect.poll(() => heard.messages).toEqual(['again']);
  });

  it('comes back after an outage, and is disposed during one', async () => {
    await using postgres = await startTestPostgres();
    await using listener = listenTo(postgres.url);
    const leaving = listenTo(postgres.url);
    const heard = record();
    listener.listen('news', heard);
    await expect.poll(() => heard.connects).toBe(1);
    await postgres.stop();
    await leaving[Symbol.asyncDispose]();
    await postgres.start();
    await expect.poll(() => heard.connects, { timeout: 10_000 }).toBe(2);
  });

  it('gives up a connection that says nothing any more', async () => {
    await using postgres = await startTestPostgres();
    const log = createRecordedLog();
    await using listener = createListener({ url: postgres.url, log, heartbeatMs: 50, answerMs: 200 });
    const heard = record();
    listener.listen('news', heard);
    await expect.poll(() => heard.connects).toBe(1);
    await postgres.pause();
    await expect.poll(() => log.lines.length).toBeGreaterThan(0);
    await postgres.resume();
    await expect.poll(() => heard.connects, { timeout: 10_000 }).toBe(2);
  });
});
