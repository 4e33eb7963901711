/** For how long this node has been in touch with the database without a break, by the database's clock: its own may have stood still. No I/O. */

export interface Continuity {
  /**
   * The database answered a transaction that began when its clock showed this, in milliseconds. Returns for how long it has
   * been in reach by then. A gap, in which this node may have slept or been cut off, starts the count anew.
   */
  reached(atMs: number): number;
  /** The database did not answer: the count starts anew with its next answer. */
  broken(): void;
}

/** The longest gap between two answers, in milliseconds, that is no break; a step of the clock backwards is one, too. */
export function createContinuity(longestGapMs: number): Continuity {
  let contact: { readonly since: number; readonly last: number } | undefined;
  return {
    reached(atMs) {
      const isUnbroken = contact !== undefined && Math.abs(atMs - contact.last) <= longestGapMs;
      // Transactions that run side by side need not be answered in the order in which they began.
      contact =
        isUnbroken && contact
          ? { since: contact.since, last: Math.max(contact.last, atMs) }
          : { since: atMs, last: atMs };
      return atMs - contact.since;
    },
    broken() {
      contact = undefined;
    },
  };
}
