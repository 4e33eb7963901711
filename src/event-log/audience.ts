/** Which turns of this node are followed on other nodes, as far as it has been told lately. No I/O. */

export interface Audience {
  has(turnId: string): boolean;
  add(turnId: string): void;
  /** The turn is no longer this node's. */
  remove(turnId: string): void;
}

export interface AudienceOptions {
  /** Who has not said it again after so many milliseconds follows no more. */
  readonly ttlMs: number;
}

export function createAudience({ ttlMs }: AudienceOptions): Audience {
  const until = new Map<string, number>();
  return {
    has(turnId) {
      const end = until.get(turnId);
      if (end === undefined) return false;
      if (end >= performance.now()) return true;
      until.delete(turnId);
      return false;
    },
    add: (turnId) => void until.set(turnId, performance.now() + ttlMs),
    remove: (turnId) => void until.delete(turnId),
  };
}
