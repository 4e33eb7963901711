/** The settings of quotas: which limiters there are, what each gives, and when. */
import { z } from 'zod';
import { parseInterval } from '../../lib/interval.ts';
import { QUOTA_SUBJECTS } from '../../types/quota.ts';
import { IDENTIFIER, identifier, notes } from '../vocabulary.ts';
import { refuseRepeated } from './unique.ts';

const MAX_TOKENS = 1_000_000_000_000;
const tokens = z.int().min(0).max(MAX_TOKENS).default(0);

const limiterSchema = z
  .strictObject({
    name: identifier.meta(
      notes({ description: 'The name of the limiter in the API and in the ledger', expected: IDENTIFIER }),
    ),
    kind: z
      .enum(QUOTA_SUBJECTS)
      .describe('USER: a balance for each viewer; CLUSTER: one for all viewers together'),
    initialQuota: tokens.describe(
      'Tokens that a balance starts with; without quotaIncrease also what each period resets it to',
    ),
    quotaIncrease: tokens.describe(
      'Tokens that each period adds; beside initialQuota each period resets to the sum of both',
    ),
    period: z
      .string()
      .refine((text) => parseInterval(text) !== undefined)
      .meta(
        notes({
          description: 'Length of a period, such as "1 day", "12 hours" or "1 month"',
          expected: 'a number and seconds, minutes, hours, days, weeks, months or years',
        }),
      ),
  })
  .superRefine(({ initialQuota, quotaIncrease }, context) => {
    if (initialQuota + quotaIncrease > 0) return;
    context.addIssue({
      code: 'custom',
      path: ['initialQuota'],
      message: 'set this or quotaIncrease: nothing would ever be available',
      params: { isProblem: true },
    });
  });

export const quotasSchema = z.strictObject({
  limiters: z
    .array(limiterSchema)
    .superRefine(refuseRepeated('name'))
    .default([])
    .describe('Balances that every question is charged to; none: nothing is limited'),
});
