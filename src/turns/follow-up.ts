/** What else the end of a turn brings: its usage is recorded, and jobs are asked for what can wait. All in the turn's own transaction. */
import type { Config } from '../config/config.ts';
import { requestTopicSummary } from '../conversations/topic-summary.ts';
import type { Jobs } from '../jobs/jobs.ts';
import { recordUsage } from '../usage/store.ts';
import type { FollowUp } from './finish-turn.ts';

export interface FollowUpDeps {
  readonly jobs: Pick<Jobs, 'enqueue'>;
  readonly config: Pick<Config, 'transcripts'>;
}

export function createFollowUp({ jobs, config }: FollowUpDeps): FollowUp {
  return async (tx, { id: turnId, ownerId, provider, model }, { usage }) => {
    const { inputTokens, outputTokens } = usage;
    await recordUsage(tx, { ownerId, provider, model, kind: 'TURN', inputTokens, outputTokens });
    await requestTopicSummary(jobs, tx, turnId);
    if (!config.transcripts.enabled) return;
    await jobs.enqueue(tx, { name: 'write-transcript', payload: { turnId }, key: turnId });
  };
}
