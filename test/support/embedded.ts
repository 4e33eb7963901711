/** What tests of the built-in Postgres share: its refusals in one line, and statements on a server. */
import postgres from 'postgres';
import { expect } from 'vitest';

/** An error that says everything in one line; the parts are patterns, in order. */
export const oneLine = (...parts: readonly string[]) =>
  expect.objectContaining({
    code: 'DEPENDENCY_UNAVAILABLE',
    message: expect.stringMatching(new RegExp(`^${parts.join('.*')}.*DATABASE_URL.*$`)),
  });

export async function query(url: string, text: string): Promise<readonly unknown[]> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    return await sql.unsafe(text);
  } finally {
    await sql.end();
  }
}
