/** A trap of listening: a connection that is lost as soon as it stands must not be renewed ten times a second for ever. */
import { expect, it } from 'vitest';
import { createListener } from '../../src/db/listener.ts';
import type { Log } from '../../src/log.ts';
import { createTestDatabase } from '../support/database.ts';

it('the waits grow while every connection is lost at once', async () => {
  await using db = await createTestDatabase();
  const waits: number[] = [];
  const ignore = (): void => {};
  const warn = ({ retryMs }: { readonly retryMs: number }): number => waits.push(retryMs);
  const log = { debug: ignore, info: ignore, error: ignore, warn } as Log;
  await using listener = createListener({ url: db.url, log });
  // Postgres refuses to listen on a channel without a name.
  listener.listen('', { onMessage: ignore, onConnect: ignore });
  await expect.poll(() => waits.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(3);
  expect(waits.slice(0, 3)).toEqual([200, 400, 800]);
});
