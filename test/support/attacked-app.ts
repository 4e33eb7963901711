/** An application that a test attacks, and what must hold of it afterwards. */
import postgres from 'postgres';
import { expect } from 'vitest';
import type { ConfigInput } from '../../src/config/config.ts';
import { startTestApp, type TestApp } from './app.ts';
import { SENDERS } from './attack-senders.ts';
import { type FakeBackend, startFakeBackend } from './fake-backend.ts';
import { toLimiter } from './quotas.ts';

/** What has been asked, stored and charged since the beginning, but for topic summaries: they come when they come. */
export interface Traces {
  readonly asked: number;
  readonly stored: number;
  readonly ledger: string;
  readonly balances: string;
  readonly usage: string;
}

/** Balances that no test uses up, in periods that do not end. */
const LIMITERS = [
  toLimiter('each', { initialQuota: 1_000_000_000, period: '10 years' }),
  toLimiter('all', { kind: 'CLUSTER', initialQuota: 1_000_000_000, period: '10 years' }),
];

export interface AttackedApp extends AsyncDisposable {
  readonly app: TestApp;
  readonly fake: FakeBackend;
  /** What harm would show in. */
  look(): Promise<Traces>;
  /** Since the last call: no model was asked and nothing was stored. The next good request is answered. */
  requireUnharmed(): Promise<void>;
  /** Waits for the turns that run. What the test itself has asked and stored until then is no harm. */
  forgive(): Promise<void>;
}

export async function startAttackedApp(config: ConfigInput = {}): Promise<AttackedApp> {
  await using resources = new AsyncDisposableStack();
  const fake = resources.use(await startFakeBackend());
  const quotas = { limiters: LIMITERS };
  const app = resources.use(await startTestApp({ backend: fake.url, config: { quotas, ...config } }));
  const driver = postgres(app.databaseUrl, { max: 1, onnotice: () => {} });
  resources.defer(() => driver.end());
  const look = async (): Promise<Traces> => ({ asked: fake.responses.length, ...(await readTraces(driver)) });
  let before = await look();
  const owned = resources.move();
  return {
    app,
    fake,
    look,
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

async function readTraces(driver: postgres.Sql): Promise<Omit<Traces, 'asked'>> {
  const [row] = await driver<Omit<Traces, 'asked'>[]>`
    SELECT ((SELECT count(*) FROM conversation) + (SELECT count(*) FROM turn) + (SELECT count(*) FROM upload)
        + (SELECT count(*) FROM feedback))::int AS stored,
      (SELECT concat(count(*), ' rows, ', sum(amount), ' tokens') FROM quota_ledger) AS ledger,
      (SELECT concat_ws(' ', count(*), sum(available), sum(reserved), sum(overrun)) FROM limiter_balance) AS balances,
      (SELECT concat_ws(' ', count(*), sum(input_tokens), sum(output_tokens)) FROM token_usage
        WHERE kind <> 'TOPIC_SUMMARY') AS usage`;
  if (!row) throw new TypeError('There is one row always');
  return row;
}
