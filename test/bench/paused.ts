/** Readers that stop reading: what they cost those beside them, how soon they are cut, and whether they lose anything. */
import { setTimeout as delay } from 'node:timers/promises';
import { readMetric } from '../support/metrics.ts';
import { type Measurement, measure } from './measure.ts';
import type { PausedScenario } from './options.ts';
import type { PausedResult, PauseTask } from './paused-client.ts';
import type { Rig, Target } from './rig.ts';
import type { Usage } from './usage.ts';

export interface PausedMeasurement {
  readonly before: Measurement;
  readonly beside: Measurement;
  readonly after: Measurement;
  readonly paused: {
    /** Of the server with nobody, and with all that are paused and nobody else. */
    readonly idleRss: number;
    readonly fullRss: number;
    /** Bytes that waited for all of them together when nothing went on any more. */
    readonly waitingBytes: number;
    /** From then until the last was cut, in milliseconds. */
    readonly cutAfterMs: number;
    readonly result: PausedResult;
  };
}

const LOOK_MS = 250;
/** Looks in which nothing more is taken before all count as stopped. */
const QUIET_LOOKS = 4;
const PATIENCE_MS = 120_000;
/** Least that waits for a reader whose kernel takes no more. */
const FULL_BYTES = 200 * 1024;

/** Looks until the predicate holds; throws when it does not in two minutes. */
async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`${what}: not after ${PATIENCE_MS / 1e3} s`);
    await delay(LOOK_MS);
  }
}

/** Resolves with the bytes that wait when no reader takes any more. */
async function untilStopped(target: Target, readers: number): Promise<number> {
  let waiting = 0;
  let quiet = 0;
  await until('readers that have stopped', async () => {
    const now = await readMetric(target, 'millrace_waiting_bytes');
    quiet = now === waiting && now >= readers * FULL_BYTES ? quiet + 1 : 0;
    waiting = now;
    return quiet >= QUIET_LOOKS;
  });
  return waiting;
}

const readRss = async (target: Target): Promise<number> => (await target.child.ask<Usage>('usage')).rssBytes;

/** The normal ones alone, beside the paused ones, and alone again: what the machine itself does shows in the third. */
export async function measurePaused(
  rig: Rig,
  subject: { readonly target: Target; readonly idleRss: number },
  { normal, readers, turns, plan }: PausedScenario,
): Promise<PausedMeasurement> {
  const { target } = subject;
  const before = await measure(rig, subject, normal);
  const idleRss = await readRss(target);
  const cutBefore = await readMetric(target, 'millrace_readers_cut_total');
  const task: PauseTask = { url: target.url, readers, turns, plan };
  await rig.paused.ask('pause', task);
  const waitingBytes = await untilStopped(target, readers);
  const stoppedAt = performance.now();
  const fullRss = await readRss(target);
  let cutAt = 0;
  const cutting = until('readers that are cut', async () => {
    cutAt = performance.now();
    return (await readMetric(target, 'millrace_readers_cut_total')) - cutBefore >= readers;
  });
  const beside = await measure(rig, subject, normal);
  await cutting;
  const result = await rig.paused.ask<PausedResult>('readOn');
  const after = await measure(rig, subject, normal);
  const cutAfterMs = cutAt - stoppedAt;
  return { before, beside, after, paused: { idleRss, fullRss, waitingBytes, cutAfterMs, result } };
}
