/** Whether the node is to receive requests, from its start to its end, and why not. */

export interface Condition {
  /** Why the node cannot serve now; empty when it can. */
  readiness(): Promise<readonly string[]>;
  /** Says what the start is waiting for. */
  waitFor(reason: string): void;
  /** The start is over: from now on the check decides, by rejecting when the node cannot serve. */
  open(check: () => Promise<void>): void;
  /** The node is told to stop; nothing makes it ready again. */
  leave(): void;
}

/** The condition of a node that begins to start. */
export function createCondition(): Condition {
  let reason = 'the server is starting';
  let isLeaving = false;
  let check = async (): Promise<void> => {
    throw new Error(reason);
  };
  return {
    async readiness() {
      if (isLeaving) return ['the node is shutting down'];
      await check();
      return [];
    },
    waitFor(next) {
      reason = next;
    },
    open(next) {
      check = next;
    },
    leave() {
      isLeaving = true;
    },
  };
}
