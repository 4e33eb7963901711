/** All SQL of the usage: how many tokens each viewer spent, by provider, model, kind and day. Quotas are not its concern. */
import { and, desc, sql } from 'drizzle-orm';
import type { AnyTx, ViewerTx } from '../db/client.ts';
import { isInReach } from '../db/reach.ts';
import { tokenUsage } from '../db/tables/usage.ts';
import type { SpentTokens, UsageOfDay } from '../types/usage.ts';

/** What was spent today and on the days before, in UTC: newest day first, then the most. Days without any are left out. */
export async function selectUsage(tx: ViewerTx, days: number): Promise<readonly UsageOfDay[]> {
  const { day, provider, model, kind, inputTokens, outputTokens } = tokenUsage;
  return tx
    .select({ day, provider, model, kind, inputTokens, outputTokens })
    .from(tokenUsage)
    .where(
      and(isInReach(tx, tokenUsage.ownerId), sql`${day} > (now() AT TIME ZONE 'UTC')::date - ${days}::int`),
    )
    .orderBy(desc(day), desc(sql`${inputTokens} + ${outputTokens}`), provider, model, kind);
}

/** Adds to the sums of today, in UTC. Nothing is written where nothing was spent. */
export async function recordUsage(tx: AnyTx, spent: SpentTokens): Promise<void> {
  if (spent.inputTokens === 0 && spent.outputTokens === 0) return;
  await tx.execute(sql`
    INSERT INTO token_usage (owner_id, provider, model, kind, day, input_tokens, output_tokens)
    VALUES (${spent.ownerId}, ${spent.provider}, ${spent.model}, ${spent.kind}, (now() AT TIME ZONE 'UTC')::date,
      ${spent.inputTokens}, ${spent.outputTokens})
    ON CONFLICT (owner_id, day, provider, model, kind) DO UPDATE SET
      input_tokens = token_usage.input_tokens + excluded.input_tokens,
      output_tokens = token_usage.output_tokens + excluded.output_tokens`);
}
