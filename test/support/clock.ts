/** The time of a test's database, which a test can set forward: `now()` without a schema finds ours before Postgres' own. */
import postgres from 'postgres';

export interface Clock {
  /** Sets the time forward by a Postgres interval, such as "1 day", for every transaction that begins afterwards. */
  advance(interval: string): Promise<void>;
}

/** To be called before anything else is connected: connections learn where to look when they are made. */
export async function startClock(databaseUrl: string): Promise<Clock> {
  const run = async (text: string): Promise<void> => {
    const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} });
    try {
      await sql.unsafe(text);
    } finally {
      await sql.end();
    }
  };
  const name = new URL(databaseUrl).pathname.slice(1);
  await run(`
    CREATE SCHEMA clock;
    CREATE TABLE clock.shift (by interval NOT NULL);
    INSERT INTO clock.shift VALUES ('0');
    CREATE FUNCTION clock.now() RETURNS timestamptz STABLE LANGUAGE sql AS
      'SELECT pg_catalog.now() + (SELECT by FROM clock.shift)';
    GRANT USAGE ON SCHEMA clock TO PUBLIC;
    GRANT SELECT ON clock.shift TO PUBLIC;
    ALTER DATABASE "${name}" SET search_path = clock, pg_catalog, public;`);
  return { advance: (interval) => run(`UPDATE clock.shift SET by = by + '${interval}'`) };
}
