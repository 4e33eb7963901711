/** Counts what is open, by whose it is, up to a limit for each. */

export interface Slots {
  /** A place until it is disposed of, which may happen twice; undefined when all are taken. */
  take(key: string): Disposable | undefined;
}

export function createSlots(limit: number): Slots {
  const taken = new Map<string, number>();
  const add = (key: string, difference: 1 | -1): void => {
    const count = (taken.get(key) ?? 0) + difference;
    if (count > 0) taken.set(key, count);
    else taken.delete(key);
  };
  return {
    take(key) {
      if ((taken.get(key) ?? 0) >= limit) return undefined;
      add(key, 1);
      let isFree = false;
      return {
        [Symbol.dispose]() {
          if (!isFree) add(key, -1);
          isFree = true;
        },
      };
    },
  };
}
