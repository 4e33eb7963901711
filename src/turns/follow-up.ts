/** What else the end of a turn brings: its usage is recorded and charged, and jobs are asked for what can wait. All in the turn's own transaction. */
import type { Config } from '../config/config.ts';
import { requestTopicSummary } from '../conversations/topic-summary.ts';
import type { Jobs } from '../jobs/jobs.ts';
import type { Quotas } from '../quota/quotas.ts';
import type { TurnUsage } from '../types/usage.ts';
import { recordUsage } from '../usage/store.ts';
import type { FollowUp } from './finish-turn.ts';

export interface FollowUpDeps {
  readonly jobs: Pick<Jobs, 'enqueue'>;
  readonly config: Pick<Config, 'transcripts'>;
  readonly quotas: Pick<Quotas, 'settle'>;
}

export function createFollowUp({ jobs, config, quotas }: FollowUpDeps): FollowUp {
  return async (tx, { id: turnId, ownerId, provider, model, inputEstimate }, { usage }) => {
    const { inputTokens, outputTokens } = usage;
    await requestTopicSummary(jobs, tx, turnId);
    if (config.transcripts.enabled) {
      await jobs.enqueue(tx, { name: 'write-transcript', payload: { turnId }, key: turnId });
    }
    // Last: who spends the same waits for these rows until the transaction ends, for the balance of the cluster everybody.
    await recordUsage(tx, { ownerId, provider, model, kind: 'TURN', inputTokens, outputTokens });
    if (inputEstimate !== null) await quotas.settle(tx, turnId, toSpent(usage));
  };
}

/** Null: the model was not called. */
function toSpent({ inputTokens, outputTokens, source }: TurnUsage): number | null {
  return source === 'NONE' ? null : inputTokens + outputTokens;
}
