/** All SQL of the usage: how many tokens each viewer spent, by provider, model, kind and day. Quotas are not its concern. */
import { sql } from 'drizzle-orm';
import type { AnyTx } from '../db/client.ts';
import { tokenUsage } from '../db/tables/usage.ts';
import type { SpentTokens } from '../types/usage.ts';

/** Adds to the sums of today, in UTC. Nothing is written where nothing was spent. */
export async function recordUsage(tx: AnyTx, spent: SpentTokens): Promise<void> {
  if (spent.inputTokens === 0 && spent.outputTokens === 0) return;
  await tx
    .insert(tokenUsage)
    .values({ ...spent, day: sql`(now() AT TIME ZONE 'UTC')::date` })
    .onConflictDoUpdate({
      target: [tokenUsage.ownerId, tokenUsage.day, tokenUsage.provider, tokenUsage.model, tokenUsage.kind],
      set: {
        inputTokens: sql`${tokenUsage.inputTokens} + excluded.input_tokens`,
        outputTokens: sql`${tokenUsage.outputTokens} + excluded.output_tokens`,
      },
    });
}
