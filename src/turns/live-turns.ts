/** The turns that run on this node: who owns them, who follows them, and how they are asked to stop. No I/O. */
import type { TurnWriter } from '../event-log/event-log.ts';
import type { InterruptReason, TurnStop } from '../types/turn.ts';
import { createGraceTimer, type Grace } from './grace.ts';

export interface LiveTurn {
  readonly id: string;
  readonly conversationId: string;
  readonly writer: TurnWriter;
  /** Aborted when the turn is to stop, for whatever reason. */
  readonly signal: AbortSignal;
  /** Null while it was not stopped, or when it was lost to another node. */
  readonly stopped: TurnStop | null;
  readonly lost: boolean;
  /** Settles when the turn is sealed, or lost. Never rejects. */
  readonly done: Promise<void>;
  /** The first wish stays. Actor: the viewer who wants it; absent: the server itself. */
  stop(reason: InterruptReason, actor?: string | null): void;
  /** Another node owns the turn now: stop without writing anything. */
  lose(): void;
  /** Counts a follower until the returned function is called, the first time; the last one to leave starts the grace time. */
  addFollower(): () => void;
}

export interface LiveTurnOptions {
  readonly id: string;
  readonly conversationId: string;
  /** When the turn is stopped as DISCONNECTED; null: it goes on without followers. */
  readonly grace: Grace | null;
  /** Called with the turn itself: the writer needs a way to say that the turn is lost. */
  openWriter(onLost: () => void): TurnWriter;
}

export interface LiveTurns {
  readonly size: number;
  readonly ids: readonly string[];
  find(turnId: string): LiveTurn | undefined;
  /** Adds the turn and runs it; it is removed when `run` settles. `run` must not reject. */
  launch(options: LiveTurnOptions, run: (turn: LiveTurn) => Promise<void>): LiveTurn;
  all(): readonly LiveTurn[];
}

function createLiveTurn(options: LiveTurnOptions, done: Promise<void>): LiveTurn {
  const abort = new AbortController();
  let stopped: TurnStop | null = null;
  let lost = false;
  let ended = false;
  let followers = 0;

  const stop = (reason: InterruptReason, actor: string | null = null): void => {
    if (abort.signal.aborted) return;
    stopped = { reason, actor };
    abort.abort();
  };
  const lose = (): void => {
    lost = true;
    abort.abort();
    writer.abandon();
  };
  const grace = createGraceTimer(options.grace, () => stop('DISCONNECTED'));
  const writer = options.openWriter(lose);
  grace.start();
  void done.then(() => {
    ended = true;
    grace.end();
  });

  return {
    id: options.id,
    conversationId: options.conversationId,
    writer,
    signal: abort.signal,
    get stopped() {
      return stopped;
    },
    get lost() {
      return lost;
    },
    done,
    stop,
    lose,
    addFollower() {
      followers += 1;
      grace.end();
      let left = false;
      return () => {
        if (left) return;
        left = true;
        followers -= 1;
        if (followers === 0 && !ended) grace.start();
      };
    },
  };
}

export function createLiveTurns(): LiveTurns {
  const turns = new Map<string, LiveTurn>();
  return {
    get size() {
      return turns.size;
    },
    get ids() {
      return [...turns.keys()];
    },
    find: (turnId) => turns.get(turnId),
    all: () => [...turns.values()],
    launch(options, run) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const turn = createLiveTurn(options, promise);
      turns.set(turn.id, turn);
      void run(turn).finally(() => {
        turns.delete(turn.id);
        resolve();
      });
      return turn;
    },
  };
}
