/** One loaded value that is kept for a while. Keyed caches are lru-cache's matter. */

export interface TtlCacheOptions<Value> {
  readonly load: () => Promise<Value>;
  /** How long a value is served, in milliseconds from when it was loaded; where values differ in that, of each. */
  readonly ttlMs: number | ((value: Value) => number);
  /** How long a rejection is served instead of loading again. */
  readonly failureTtlMs: number;
  /** Milliseconds on a clock that never goes back; for tests. */
  readonly now?: () => number;
}

export interface TtlCache<Value> {
  /** The value that is still fresh, or one load that all callers of the moment share. Rejects with what the load rejects with. */
  get(): Promise<Value>;
}

export function createTtlCache<Value>(options: TtlCacheOptions<Value>): TtlCache<Value> {
  const now = options.now ?? (() => performance.now());
  let entry: { readonly value: Promise<Value>; staleAt: number } | undefined;

  const load = (): Promise<Value> => {
    const value = options.load();
    const loading = { value, staleAt: Number.POSITIVE_INFINITY };
    const settle = (ttlMs: number): void => {
      loading.staleAt = now() + ttlMs;
    };
    value.then(
      (loaded) => settle(typeof options.ttlMs === 'number' ? options.ttlMs : options.ttlMs(loaded)),
      () => settle(options.failureTtlMs),
    );
    entry = loading;
    return value;
  };

  return {
    get: () => (entry !== undefined && now() < entry.staleAt ? entry.value : load()),
  };
}
