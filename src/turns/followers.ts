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
  if (running) return counted(unlessLost(batches, running), running.addFollower(), signal);
  if (turn.status !== 'RUNNING' || !turn.stopsUnfollowed) return batches;
  return counted(batches, deps.foreign.add(turn.id), signal);
}

/** The same batches; the follower is counted until it is done with them, or its signal is aborted: it may never have begun. */
function counted<T>(batches: AsyncIterable<T>, uncount: () => void, signal: AbortSignal): AsyncIterable<T> {
  const leave = (): void => {
    signal.removeEventListener('abort', leave);
    uncount();
  };
  signal.addEventListener('abort', leave);
  if (signal.aborted) leave();
  return untilDone(batches, leave);
}

async function* untilDone<T>(batches: AsyncIterable<T>, leave: () => void): AsyncGenerator<T> {
  try {
    yield* batches;
  } finally {
    leave();
  }
}

/** Once the turn is another node's, whoever follows it here is sent away: this node may have been deaf for long. */
async function* unlessLost<T>(batches: AsyncIterable<T>, turn: LiveTurn): AsyncGenerator<T> {
  for await (const batch of batches) {
    if (turn.lost) throw new AppError('TURN_MOVED', 'This node lost the turn to another one; connect again');
    yield batch;
  }
}
