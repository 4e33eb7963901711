/** An application that a test attacks, and what must hold of it afterwards. */
import postgres from 'postgres';
import { expect } from 'vitest';
import type { ConfigInput } from '../../src/config/config.ts';
import { startTestApp, type TestApp } from './app.ts';
import { SENDERS } from './attack-senders.ts';
import { type FakeBackend, startFakeBackend } from './fake-backend.ts';

export interface AttackedApp extends AsyncDisposable {
  readonly app: TestApp;
  readonly fake: FakeBackend;
  /** Since the last call: no model was asked and nothing was stored. The next good request is answered. */
  requireUnharmed(): Promise<void>;
  /** Waits for the turns that run. What the test itself has asked and stored until then is no harm. */
  forgive(): Promise<void>;
}

export async function startAttackedApp(config: ConfigInput = {}): Promise<AttackedApp> {
  await using resources = new AsyncDisposableStack();
  const fake = resources.use(await startFakeBackend());
  const app = resources.use(await startTestApp({ backend: fake.url, config }));
  const driver = postgres(app.databaseUrl, { max: 1, onnotice: () => {} });
  resources.defer(() => driver.end());
  const countStored = async (): Promise<number> => {
    const [row] = await driver<{ count: number }[]>`
      SELECT ((SELECT count(*) FROM conversation) + (SELECT count(*) FROM turn) + (SELECT count(*) FROM upload)
        + (SELECT count(*) FROM feedback))::int AS count`;
    return row?.count ?? 0;
  };
  let before = { asked: 0, stored: 0 };
  const look = async () => ({ asked: fake.responses.length, stored: await countStored() });
  const owned = resources.move();
  return {
    app,
    fake,
    async requireUnharmed() {
      const good = await SENDERS.POST(app, { query: '{ serviceInfo { name } }' });
      expect(good).toMatchObject({ codes: [], text: expect.stringContaining('millrace') });
      expect(await look()).toEqual(before);
      expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    },
    async forgive() {
      const countRunning = async (): Promise<number> => {
        const rows = await driver`SELECT FROM turn WHERE status = 'RUNNING'`;
        return rows.length;
      };
      await expect.poll(countRunning, { timeout: 20_000 }).toBe(0);
      before = await look();
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
