/** For how long a turn goes on that nobody follows. No I/O: who follows elsewhere is asked by a function that is passed in. */

/** What becomes of a turn that nobody follows here. */
export interface Grace {
  /** Milliseconds from the leave of the last follower. */
  readonly ms: number;
  /**
   * Asked when that time is over: for how many milliseconds more the turn counts as followed on other nodes; 0: it does not.
   * Must not reject.
   */
  followedElsewhereMs(): Promise<number>;
}

export interface GraceTimer {
  /** The last follower has left: the time begins. */
  start(): void;
  /** A follower has come, or the turn has ended: `onOver` is not called for what went before. */
  end(): void;
}

export function createGraceTimer(grace: Grace | null, onOver: () => void): GraceTimer {
  let timer: NodeJS.Timeout | undefined;
  const wait = ({ ms, followedElsewhereMs }: Grace): void => {
    const look = async (): Promise<void> => {
      const leftMs = await followedElsewhereMs();
      // Somebody may have come, and even left again, while it was asked.
      if (timer !== mine) return;
      if (leftMs > 0) wait({ ms: leftMs, followedElsewhereMs });
      else onOver();
    };
    const mine = setTimeout(() => void look(), ms);
    timer = mine;
  };
  return {
    start() {
      if (grace) wait(grace);
    },
    end() {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
