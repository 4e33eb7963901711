/** Cancels a turn on behalf of a viewer. How a turn is stopped, whoever wants it, stands in stop-turn.ts. */
import { AppError } from '../errors.ts';
import type { Turn } from '../types/turn.ts';
import type { Viewer } from '../types/viewer.ts';
import type { CancelOutcome } from './engine.ts';
import type { TurnReader } from './read-turns.ts';
import { STOP_TIMEOUT_MS, type StopDeps, stopTurn } from './stop-turn.ts';

export type CancelDeps = StopDeps & { readonly reader: Pick<TurnReader, 'getToCancel' | 'getCancelled'> };

/** Resolves when the turn has ended, by this call or before it. Throws NOT_FOUND, or DEPENDENCY_UNAVAILABLE when it does not end. */
export async function cancelTurn(
  deps: CancelDeps,
  viewer: Viewer,
  turnId: string,
): Promise<{ readonly turn: Turn; readonly outcome: CancelOutcome }> {
  const turn = await deps.reader.getToCancel(viewer, turnId);
  if (turn.status !== 'RUNNING') return { turn, outcome: 'ALREADY_ENDED' };
  const stop = { reason: 'CANCELLED', actor: viewer.id } as const;
  await stopTurn(deps, { turn, stop }, AbortSignal.timeout(STOP_TIMEOUT_MS));
  const ended = await deps.reader.getCancelled(turn.id);
  if (ended.status === 'RUNNING') {
    throw new AppError('DEPENDENCY_UNAVAILABLE', 'The turn was asked to stop but has not ended yet');
  }
  return { turn: ended, outcome: ended.interruptReason === 'CANCELLED' ? 'CANCELLED' : 'ALREADY_ENDED' };
}
