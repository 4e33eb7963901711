/** Follows a turn for somebody, and counts them while they do: a turn may stop when nobody follows it any more. */
import { AppError } from '../errors.ts';
import type { TurnEvent } from '../types/turn-event.ts';
import { type FollowDeps, type FollowOptions, followTurn } from './follow-turn.ts';
import type { ForeignFollowers } from './foreign-followers.ts';
import type { LiveTurn, LiveTurns } from './live-turns.ts';

export interface FollowerDeps extends FollowDeps {
  readonly live: Pick<LiveTurns, 'find'>;
  readonly foreign: Pick<ForeignFollowers, 'add'>;
}

/** As `followTurn`; the iterable throws TURN_MOVED when this node ran the turn and lost it. */
export async function followCounted(
  deps: FollowerDeps,
  options: FollowOptions,
  signal: AbortSignal,
): Promise<AsyncIterable<readonly TurnEvent[]>> {
  const { turn } = options;
  const batches = await followTurn(deps, options, signal);
  const running = deps.live.find(turn.id);
  if (running) return counted(batches, running.addFollower(), { signal, turn: running });
  if (turn.status !== 'RUNNING' || !turn.stopsUnfollowed) return batches;
  return counted(batches, deps.foreign.add(turn.id), { signal });
}

interface CountOptions {
  readonly signal: AbortSignal;
  /** Once it is another node's, whoever follows it here is sent away: this node may have been deaf for long. */
  readonly turn?: LiveTurn;
}

/**
 * The same batches; the follower is counted until it is done with them, or its signal is aborted: it may never have begun.
 * No generators: each would cost every event of every follower three promises more.
 */
function counted<T>(
  batches: AsyncIterable<T>,
  uncount: () => void,
  { signal, turn }: CountOptions,
): AsyncIterable<T> {
  const source = batches[Symbol.asyncIterator]();
  let isCounted = true;
  const leave = (): void => {
    if (!isCounted) return;
    isCounted = false;
    signal.removeEventListener('abort', leave);
    uncount();
  };
  const take = (step: IteratorResult<T>): IteratorResult<T> => {
    if (step.done) leave();
    else if (turn?.lost) {
      source.return?.().catch(() => {});
      return fail(new AppError('TURN_MOVED', 'This node lost the turn to another one; connect again'));
    }
    return step;
  };
  const fail = (error: unknown): never => {
    leave();
    throw error;
  };
  signal.addEventListener('abort', leave);
  if (signal.aborted) leave();
  const iterator: AsyncIterator<T> = {
    next: () => source.next().then(take, fail),
    async return(value) {
      leave();
      await source.return?.();
      return { done: true, value };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}
