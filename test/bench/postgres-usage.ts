/** The CPU time of the built-in Postgres and the end of what may be left of it. Linux only: elsewhere there is nothing to read. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';

/** Linux counts in hundredths of a second here, whatever the kernel's own clock. */
const MICROS_PER_TICK = 10_000;
const POLL_MS = 50;

export interface ProcessStat {
  readonly parent: number;
  /** CPU time of the process. */
  readonly ownMicros: number;
  /** CPU time of its children that have ended. */
  readonly endedMicros: number;
}

/** Reads a line of `/proc/PID/stat`. The name in it may contain spaces and brackets. */
export function parseStat(line: string): ProcessStat {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const ticks = (from: number): number => (Number(fields[from]) + Number(fields[from + 1])) * MICROS_PER_TICK;
  return { parent: Number(fields[1]), ownMicros: ticks(11), endedMicros: ticks(13) };
}

/** Microseconds of all its processes, ended ones included; null where they cannot be read. */
export async function readPostgresCpu(dataDir: string): Promise<number | null> {
  const postmaster = await findPostmaster(dataDir);
  if (process.platform !== 'linux' || postmaster === undefined) return null;
  const pids = (await readdir('/proc')).map(Number).filter(Number.isInteger);
  const stats = await Promise.all(pids.map(async (pid) => ({ pid, stat: await readStat(pid) })));
  return stats.reduce((sum, { pid, stat }) => {
    if (pid === postmaster) return sum + (stat?.ownMicros ?? 0) + (stat?.endedMicros ?? 0);
    return stat?.parent === postmaster ? sum + stat.ownMicros : sum;
  }, 0);
}

/** Ends the server when Millrace could not: nothing is left running in the data directory. */
export async function stopPostgres(dataDir: string): Promise<void> {
  const postmaster = await findPostmaster(dataDir);
  if (postmaster === undefined || !isRunning(postmaster)) return;
  process.kill(postmaster, 'SIGINT');
  while (isRunning(postmaster)) await delay(POLL_MS);
}

async function findPostmaster(dataDir: string): Promise<number | undefined> {
  const text = await readFile(join(dataDir, 'postgres', 'cluster', 'postmaster.pid'), 'utf8').catch(() => '');
  return text === '' ? undefined : Number(text.split('\n')[0]);
}

async function readStat(pid: number): Promise<ProcessStat | undefined> {
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return line === undefined ? undefined : parseStat(line);
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
