/**
 * The append-only log of a turn: its interface and its laws. Implementations stand beside this file.
 *
 * 1 Order: sequence numbers count from 1 without gaps; events are read in the order in which they were appended.
 * 2 Replay equals live: what is read from the log later is what a live follower saw, event for event.
 * 3 The seal is final: exactly one terminal event, delivered only after it is stored, and nothing after it.
 * 4 Expiry is explicit: reading what has been deleted says so, it never skips.
 * 5 A stale fence writes nothing: once a turn has a newer owner, its old writer stores no further event and delivers none as
 *   soon as it knows; what it had delivered beyond the newer owner's first event is taken back by a reset.
 * 6 With durability `sync` an event is delivered only after it is stored, so none is ever taken back.
 */
import type { AnyTx, WorkerTx } from '../db/client.ts';
import type { LoggedEvent, TerminalBody, TurnEventBody } from '../types/turn-event.ts';

/** The right to write to one turn. */
export interface TurnLease {
  readonly turnId: string;
  readonly fence: number;
}

/** Consecutive events of one writer, as one row of the log. */
export interface EventBatch extends TurnLease {
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** Encoded by the codec. */
  readonly events: string;
}

/** The end of a turn, ready to be stored together with whatever else belongs to it. */
export interface Seal {
  /** What is not yet stored, the terminal event last. Storing a batch again changes nothing. */
  readonly batches: readonly EventBatch[];
  readonly lastSeq: number;
  /** Call after the commit: followers receive the terminal event and end. */
  deliver(): void;
}

/** The one writer of a turn, on the node that holds its lease. */
export interface TurnWriter {
  readonly lease: TurnLease;
  readonly lastSeq: number;
  /** Gives the events their positions and delivers them to this node's followers at once; they are stored soon after. */
  append(bodies: readonly TurnEventBody[]): void;
  /** True from the first call of `prepareSeal`. */
  readonly sealing: boolean;
  /**
   * Stops background writing, waits for the write in flight, and returns what the sealing transaction has to store.
   * May be called again with another ending as long as none was delivered.
   */
  prepareSeal(terminal: TerminalBody): Promise<Seal>;
  /** The seal cannot be stored for now: readers who have seen everything get DEPENDENCY_UNAVAILABLE until it is delivered. */
  stall(): void;
  /** Gives up: a newer owner has the turn. Followers go on from the stored log. */
  abandon(): void;
}

/** What a reader learns in one step. */
export type ReadStep =
  | { readonly kind: 'events'; readonly events: readonly LoggedEvent[] }
  /** A newer writer took over before `afterSeq`'s successor; forget what came after and read on from there. */
  | { readonly kind: 'reset'; readonly afterSeq: number; readonly epoch: number }
  /** The events after the position are deleted. */
  | { readonly kind: 'expired' }
  /** The position is one that the turn never reached, or that its writer has had ample time to store. */
  | { readonly kind: 'beyond' }
  /** The turn has ended and everything has been read. */
  | { readonly kind: 'ended' };

export interface LogPosition {
  readonly turnId: string;
  /** Epoch and sequence number of the last event that was seen; 0 and 0 before the first. */
  readonly epoch: number;
  readonly seq: number;
}

/** What is stored of a turn. */
export interface StoredLog {
  /** In order; of a damaged log those before the damage. */
  readonly events: readonly LoggedEvent[];
  /** Sequence number of the newest stored event, also when it cannot be read; 0 when there is none. */
  readonly lastSeq: number;
  readonly isDamaged: boolean;
}

export interface EventLog extends AsyncDisposable {
  /** Opens the writer of a turn whose first event (seq 1) is already stored. `onLost` is called at most once. */
  open(lease: TurnLease, first: LoggedEvent, onLost: () => void): TurnWriter;
  /**
   * Waits for news after the position. Resolves with `events` (at least one), `reset`, `expired`, `beyond` or
   * `ended`; with undefined when the signal is aborted. Throws DEPENDENCY_UNAVAILABLE.
   */
  read(position: LogPosition, signal: AbortSignal): Promise<ReadStep | undefined>;
  /** Sequence number of the newest event of a turn that this node writes; undefined for all others. */
  lastSeq(turnId: string): number | undefined;
  /** Stores batches inside a transaction that has checked the fence itself. */
  store(tx: AnyTx, batches: readonly EventBatch[]): Promise<void>;
  /** All that is stored of a turn, inside a transaction. */
  readAll(tx: WorkerTx, turnId: string): Promise<StoredLog>;
  /** Records that a new writer starts at `firstSeq`, inside the transaction that takes the turn over. */
  recordEpoch(tx: WorkerTx, lease: TurnLease, firstSeq: number): Promise<void>;
  /** After the commit of what was stored without a writer: wakes followers on all nodes. Returns at once and never throws. */
  announce(news: TurnLease & { readonly seq: number }): void;
}
