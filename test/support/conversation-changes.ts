/** What changing conversations takes besides the database: stand-ins that keep what they are told. */
import type { Announcer, ConversationChange } from '../../src/conversations/announcer.ts';
import type { Jobs } from '../../src/jobs/jobs.ts';

export interface RecordedChanges {
  readonly announcer: Announcer;
  readonly jobs: Pick<Jobs, 'enqueue'>;
  readonly announced: readonly ConversationChange[];
  readonly enqueued: readonly unknown[];
}

export function recordChanges(): RecordedChanges {
  const announced: ConversationChange[] = [];
  const enqueued: unknown[] = [];
  return {
    announcer: { announce: (change) => void announced.push(change) },
    jobs: { enqueue: async (_tx, job) => void enqueued.push(job) },
    announced,
    enqueued,
  };
}
