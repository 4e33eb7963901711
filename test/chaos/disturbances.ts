/** The ways in which nodes lose their Postgres, from the moment it is lost until it is back. */
import { setTimeout as sleep } from 'node:timers/promises';
import postgres, { type Sql } from 'postgres';
import type { Rig } from './rig.ts';

export const DISTURBANCES = [
  /** An immediate shutdown and a start: it recovers from its log. */
  'crash',
  /** Every process of it is frozen. */
  'freeze',
  /** It ends all connections. */
  'kill connections',
  /** It ends all connections, and others take them. */
  'no connections left',
  /** The network resets all connections. */
  'cut',
  /** The network passes nothing on. */
  'stall',
  /** Postgres has closed all connections, and no node was told. */
  'half open',
] as const;
export type Disturbance = (typeof DISTURBANCES)[number];

/** Resolves when Postgres can be reached again; where nothing is awaited, at once. */
export async function breakPostgres(disturbance: Disturbance, rig: Rig, awayMs: number): Promise<void> {
  const { postgres: server, nodes } = rig;
  switch (disturbance) {
    case 'crash':
      await server.crash();
      return server.start();
    case 'freeze':
      await server.pause();
      await sleep(awayMs);
      return server.resume();
    case 'kill connections':
      return killConnections(rig.sql);
    case 'no connections left':
      return exhaust(rig, awayMs);
    case 'cut':
      for (const { proxies } of nodes) proxies?.database.cut();
      return;
    case 'stall':
      for (const { proxies } of nodes) proxies?.database.stall();
      await sleep(awayMs);
      for (const { proxies } of nodes) proxies?.database.resume();
      return;
    case 'half open':
      for (const { proxies } of nodes) proxies?.database.halfOpen();
      return;
    default:
      disturbance satisfies never;
  }
}

async function killConnections(sql: Sql): Promise<void> {
  await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`;
}

const MOST_HOGS = 100;
const HOG_NAME = 'chaos-hog';

/** Takes every connection that it gets, those of the nodes, too. */
async function exhaust({ sql, postgres: server }: Rig, awayMs: number): Promise<void> {
  // A connection of its own, before there are none left.
  await sql`SELECT 1`;
  const hogs: Sql[] = [];
  const deadline = performance.now() + awayMs;
  while (performance.now() < deadline) {
    if (hogs.length < MOST_HOGS) hogs.push(await takeConnection(server.url));
    if (hogs.length === 1) {
      await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE backend_type = 'client backend' AND application_name <> ${HOG_NAME} AND pid <> pg_backend_pid()`;
    }
  }
  await Promise.all(hogs.map((hog) => hog.end({ timeout: 0 })));
}

/** A connection that is held; or none, when there is none left, and then a moment has passed. */
async function takeConnection(url: string): Promise<Sql> {
  const hog = postgres(url, {
    max: 1,
    idle_timeout: 0,
    connection: { application_name: HOG_NAME },
    onnotice: () => {},
  });
  await hog`SELECT 1`.catch(() => sleep(50));
  return hog;
}
