/** Reading turns that other nodes write: who waits for one here shares its reads, is woken by notifications, and by a slow poll behind them. */
import { delay } from '../lib/abort.ts';
import { createNotifier, type Notifier } from '../lib/notifier.ts';
import type { LogPosition, ReadStep } from './event-log.ts';
import type { Look } from './look.ts';
import type { News } from './notifications.ts';
import type { StoredHead } from './postgres-store.ts';
import { createWindow, type Window } from './window.ts';

export interface ForeignTurnsDeps {
  readonly look: (position: LogPosition) => Promise<Look | undefined>;
  /** A turn that is not found is left out. */
  readonly loadHeads: (turnIds: readonly string[]) => Promise<ReadonlyMap<string, StoredHead>>;
  /** Tells the writer of a turn that somebody here waits for its events. */
  readonly tellFollowing: (turnId: string) => void;
  /** Whether notifications arrive at present. */
  readonly isHearing: () => boolean;
  /** How often a turn is looked at that is written without any notification of it, in milliseconds. */
  readonly pollMs: number;
  /** How often one is looked at whose notifications arrive. */
  readonly slowPollMs: number;
  /** How often the writer is told again, in milliseconds. */
  readonly renewMs: number;
  /** How long the stored log of a turn whose owner keeps it may stay behind a position before that counts as one it never had. */
  readonly beyondMs: number;
  readonly onRead: (from: 'store' | 'shared') => void;
}

export interface ForeignTurns extends Disposable {
  /** As `EventLog.read`. */
  read(position: LogPosition, signal: AbortSignal): Promise<ReadStep | undefined>;
  /** There may be news of a turn. */
  hear(news: News): void;
  /** Notifications may have been missed: looks at everything that is waited for. */
  lookAtAll(): void;
  /** Turns that somebody waits for, or did a moment ago. */
  readonly count: number;
  /** What is kept to be shared, in characters as they are stored. */
  readonly size: number;
}

interface Waiting {
  readonly position: LogPosition;
  readonly news: Notifier;
  /** Since when it has waited while the owner of the turn was seen to keep it. */
  since: number;
  isBeyond: boolean;
}

/** A turn that is followed here. */
interface Followed {
  readonly waiting: Set<Waiting>;
  readonly window: Window;
  /** Grows with everything that is heard: a look that began before may have missed it. */
  heard: number;
  usedAt: number;
  toldAt: number;
  /** When it is looked at next, and the pause after that. */
  dueAt: number;
  pauseMs: number;
}

interface Looked {
  readonly step: ReadStep | undefined;
  /** What had been heard when the look began. */
  readonly heard: number;
}

/** About half a minute of tokens at 50 a second. */
const WINDOW_SIZE = 64 * 1024;
/** A turn that nobody has waited for so long is let go. */
const IDLE_MS = 5_000;

function hasNews({ seq, epoch }: LogPosition, head: Omit<StoredHead, 'isHeld'> | undefined): boolean {
  return !head?.isRunning || head.lastSeq > seq || (seq > 0 && head.fence > epoch);
}

/**
 * Wakes who has waited for too long at a position that the writer of the turn has not stored. A writer that is gone, or
 * cannot be seen, has perhaps said more than it stored: then only its successor knows, who resets.
 */
function refuseBeyond({ waiting }: Followed, head: StoredHead | undefined, before: number): void {
  for (const one of waiting) {
    if (!head?.isHeld) {
      one.since = performance.now();
      continue;
    }
    const { seq, epoch } = one.position;
    if (seq <= head.lastSeq || epoch !== head.fence || one.since > before) continue;
    one.isBeyond = true;
    one.news.notify();
  }
}

function wake({ waiting }: Followed, head: Omit<StoredHead, 'isHeld'> | undefined): boolean {
  const woken = [...waiting].filter(({ position }) => hasNews(position, head));
  for (const { news } of woken) news.notify();
  return woken.length > 0;
}

/** What the parts share. */
interface Watch {
  readonly deps: ForeignTurnsDeps;
  readonly followed: Map<string, Followed>;
  /** Looks that are under way, by their position. */
  readonly looks: Map<string, Promise<Looked>>;
  readonly stop: AbortController;
  isKeeping: boolean;
}

async function lookNow({ deps, followed }: Watch, position: LogPosition): Promise<Looked> {
  const heard = followed.get(position.turnId)?.heard ?? 0;
  deps.onRead('store');
  const found = await deps.look(position);
  if (found?.step.kind === 'events') {
    followed.get(position.turnId)?.window.add(position, { events: found.step.events, size: found.size });
  }
  return { step: found?.step, heard };
}

/** Who stands at the same place looks together. */
function lookTogether(watch: Watch, position: LogPosition): Promise<Looked> {
  const { looks, deps } = watch;
  const key = `${position.turnId} ${position.epoch} ${position.seq}`;
  const known = looks.get(key);
  if (known) {
    deps.onRead('shared');
    return known;
  }
  const looking = lookNow(watch, position).finally(() => looks.delete(key));
  looks.set(key, looking);
  return looking;
}

/** One statement for all of the turns. */
async function lookAt({ deps }: Watch, turns: ReadonlyMap<string, Followed>): Promise<void> {
  if (turns.size === 0) return;
  // Whoever cannot be told is woken, too, and meets the failure itself.
  const heads = await deps.loadHeads([...turns.keys()]).catch(() => new Map<string, StoredHead>());
  for (const [turnId, turn] of turns) {
    turn.heard += 1;
    const head = heads.get(turnId);
    const hadNews = wake(turn, head);
    refuseBeyond(turn, head, performance.now() - deps.beyondMs);
    turn.pauseMs = hadNews ? deps.pollMs : Math.min(turn.pauseMs * 2, deps.slowPollMs);
    turn.dueAt = performance.now() + turn.pauseMs;
  }
}

function tellWriter({ deps }: Watch, turnId: string, turn: Followed): void {
  turn.toldAt = performance.now();
  deps.tellFollowing(turnId);
}

/** What is due of all that is followed. */
async function keepOnce(watch: Watch): Promise<void> {
  const { deps, followed } = watch;
  const now = performance.now();
  const due = new Map<string, Followed>();
  for (const [turnId, turn] of followed) {
    const isWaitedFor = turn.waiting.size > 0;
    if (!isWaitedFor && now - turn.usedAt >= IDLE_MS) followed.delete(turnId);
    if (!isWaitedFor) continue;
    if (now - turn.toldAt >= deps.renewMs) tellWriter(watch, turnId, turn);
    if (turn.dueAt <= now || !deps.isHearing()) due.set(turnId, turn);
  }
  await lookAt(watch, due);
}

/** Goes on for as long as there is something that is followed. */
async function keep(watch: Watch): Promise<void> {
  if (watch.isKeeping) return;
  watch.isKeeping = true;
  while (watch.followed.size > 0 && !watch.stop.signal.aborted) {
    await delay(watch.deps.pollMs, watch.stop.signal);
    if (!watch.stop.signal.aborted) await keepOnce(watch);
  }
  watch.isKeeping = false;
}

function follow(watch: Watch, turnId: string): Followed {
  const { followed, deps } = watch;
  const known = followed.get(turnId);
  if (known) return known;
  const now = performance.now();
  const times = { usedAt: now, toldAt: now, dueAt: now + deps.pollMs, pauseMs: deps.pollMs };
  const turn = { waiting: new Set<Waiting>(), window: createWindow(WINDOW_SIZE), heard: 0, ...times };
  followed.set(turnId, turn);
  tellWriter(watch, turnId, turn);
  void keep(watch);
  return turn;
}

interface Standing {
  readonly position: LogPosition;
  readonly since: number;
  /** What had been heard when the last look began. */
  readonly heard: number;
}

/** Until there may be news after the position: something was heard since the look, or is heard now. False: it is beyond the end. */
async function wait(watch: Watch, standing: Standing, signal: AbortSignal): Promise<boolean> {
  const { position, since, heard } = standing;
  const turn = follow(watch, position.turnId);
  if (turn.heard !== heard) return true;
  const one: Waiting = { position, since, news: createNotifier(), isBeyond: false };
  turn.waiting.add(one);
  await one.news.wait(signal);
  turn.waiting.delete(one);
  turn.usedAt = performance.now();
  return !one.isBeyond;
}

async function read(watch: Watch, position: LogPosition, signal: AbortSignal): Promise<ReadStep | undefined> {
  const since = performance.now();
  while (!signal.aborted) {
    const events = watch.followed.get(position.turnId)?.window.after(position);
    if (events) {
      watch.deps.onRead('shared');
      return { kind: 'events', events };
    }
    const { step, heard } = await lookTogether(watch, position);
    if (step) return step;
    if (!(await wait(watch, { position, since, heard }, signal))) return { kind: 'beyond' };
  }
  return undefined;
}

/** Who still waits at its disposal is let go by their own signals. */
export function createForeignTurns(deps: ForeignTurnsDeps): ForeignTurns {
  const followed = new Map<string, Followed>();
  const watch: Watch = { deps, followed, looks: new Map(), stop: new AbortController(), isKeeping: false };
  return {
    read: (position, signal) => read(watch, position, signal),
    hear({ turnId, fence, seq }) {
      const turn = followed.get(turnId);
      if (!turn) return;
      turn.heard += 1;
      wake(turn, { isRunning: true, fence, lastSeq: seq });
      turn.pauseMs = deps.slowPollMs;
      turn.dueAt = performance.now() + turn.pauseMs;
    },
    lookAtAll() {
      for (const [turnId, turn] of followed) tellWriter(watch, turnId, turn);
      void lookAt(watch, new Map(followed));
    },
    get count() {
      return followed.size;
    },
    get size() {
      return [...followed.values()].reduce((sum, { window }) => sum + window.size, 0);
    },
    [Symbol.dispose]: () => watch.stop.abort(),
  };
}
