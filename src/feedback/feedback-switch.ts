/** Whether feedback is taken: what the configuration says, until an administrator switches it for all nodes. */
import type { Config } from '../config/config.ts';
import type { Database } from '../db/client.ts';
import { createTtlCache } from '../lib/ttl-cache.ts';
import { selectEnabled, upsertEnabled } from './store.ts';

export interface FeedbackSwitch {
  /** As of at most 5 seconds ago where another node switched it. Throws DEPENDENCY_UNAVAILABLE. */
  isEnabled(): Promise<boolean>;
  /** Resolves when it is stored; this node obeys at once. Throws DEPENDENCY_UNAVAILABLE. */
  setEnabled(enabled: boolean): Promise<void>;
}

export interface FeedbackSwitchDeps {
  readonly database: Database;
  readonly config: Pick<Config, 'feedback'>;
  /** Milliseconds on a clock that never goes back; for tests. */
  readonly now?: () => number;
}

const TTL_MS = 5_000;

export function createFeedbackSwitch({ database, config, ...clock }: FeedbackSwitchDeps): FeedbackSwitch {
  const load = async (): Promise<boolean> =>
    (await database.asWorker(selectEnabled)) ?? config.feedback.enabled;
  const open = () => createTtlCache({ load, ttlMs: TTL_MS, failureTtlMs: 0, ...clock });
  let cache = open();
  return {
    isEnabled: () => cache.get(),
    setEnabled: async (enabled) => {
      await database.asWorker((tx) => upsertEnabled(tx, enabled));
      // A load that began before may still bring the old value: it goes with its cache.
      cache = open();
    },
  };
}
