/** When each client is told to go elsewhere, so that the other nodes do not receive them all at once. How it is told, its transport knows. */
import { delay } from '../lib/abort.ts';

/** Milliseconds by which each client makes the window longer: where there are few, nobody waits for a spread that no node needs. */
const MS_PER_CLIENT = 100;

/** Tells one client. Must not throw, and does nothing when the client has left meanwhile. */
export type SendOff = () => void;

export interface Spread {
  /** Longest time between the first and the last. */
  readonly windowMs: number;
  /** Aborted when nobody can wait any longer: the rest is told at once. */
  readonly signal: AbortSignal;
}

/** Resolves when the last was told; without clients, at once. */
export async function sendAway(clients: readonly SendOff[], { windowMs, signal }: Spread): Promise<void> {
  const startedAt = performance.now();
  const times = chooseTimes(clients.length, windowMs);
  for (const [index, sendOff] of clients.entries()) {
    const pause = (times[index] ?? 0) - (performance.now() - startedAt);
    if (pause > 0) await delay(pause, signal);
    sendOff();
  }
}

/** Milliseconds from now, ascending: each client has an equal part of the window, and in it chance decides. */
export function chooseTimes(
  count: number,
  windowMs: number,
  random: () => number = Math.random,
): readonly number[] {
  const share = Math.min(windowMs / Math.max(1, count), MS_PER_CLIENT);
  return Array.from({ length: count }, (_, index) => (index + random()) * share);
}
