/** Quotas and usage: what a viewer may still spend and has spent, and what an administrator gives. */
import { AppError } from '../errors.ts';
import type { Quota } from '../types/quota.ts';
import type { UsageKind, UsageOfDay } from '../types/usage.ts';
import { selectUsage } from '../usage/store.ts';
import { describe } from './enums.ts';
import type { Parts } from './parts.ts';

const DEFAULT_DAYS = 30;
const MAX_DAYS = 366;

export function declareQuotas(parts: Parts): void {
  const quota = declareQuota(parts);
  parts.builder.queryField('quotas', (t) =>
    t.field({
      type: [quota],
      description:
        "The viewer's balances and those of all viewers together, by limiter; empty when nothing is limited.",
      authScopes: { action: 'INFO' },
      resolve: async (_root, _args, { services, viewer }) => [...(await services.quotas.list(viewer))],
    }),
  );
  declareAdjustment(parts, quota);
  declareUsage(parts);
}

function declareQuota({ builder, enums }: Parts) {
  return builder.objectRef<Quota>('Quota').implement({
    description: 'A balance: what a limiter lets its subject spend in a period. All amounts are tokens.',
    fields: (t) => ({
      limiter: t.exposeString('limiter', { description: 'Name of the limiter, from the configuration.' }),
      subject: t.expose('subject', { type: enums.quotaSubject, description: 'Whose balance it is.' }),
      available: t.expose('available', { type: 'Count', description: 'What may still be spent.' }),
      reserved: t.expose('reserved', {
        type: 'Count',
        description: 'What is set aside for turns that run; what they do not take becomes available again.',
      }),
      overrun: t.expose('overrun', {
        type: 'Count',
        description: 'What turns took beyond the balance; the next refill pays it first.',
      }),
      initial: t.expose('initial', { type: 'Count', description: 'What a new balance starts with.' }),
      increase: t.expose('increase', { type: 'Count', description: 'What each period adds.' }),
      period: t.exposeString('period', { description: 'Length of a period, as configured: "1 day".' }),
      resetAt: t.expose('resetAt', { type: 'DateTime', description: 'When the period ends.' }),
    }),
  });
}

function declareAdjustment({ builder }: Parts, quota: ReturnType<typeof declareQuota>): void {
  const input = builder.inputType('AdjustQuotaInput', {
    description: 'By how much which balance is to be changed.',
    fields: (t) => ({
      limiter: t.string({ required: true, description: 'Name of the limiter.' }),
      viewerId: t.id({ description: 'Whose balance; left out where the limiter keeps one for all.' }),
      amount: t.int({
        required: true,
        description: 'Tokens to add; negative to take away. A balance cannot fall below zero.',
      }),
    }),
  });
  const payload = builder.objectRef<{ readonly quota: Quota }>('AdjustQuotaPayload').implement({
    description: 'The balance that was changed.',
    fields: (t) => ({
      quota: t.expose('quota', { type: quota, description: 'The balance as it is now.' }),
    }),
  });
  builder.mutationField('adjustQuota', (t) =>
    t.field({
      type: payload,
      description:
        'Gives a balance tokens or takes some away; the ledger keeps who did it. Each call counts.',
      authScopes: { action: 'MANAGE_QUOTAS' },
      args: { input: t.arg({ type: input, required: true, description: 'The change.' }) },
      resolve: async (_root, { input: { limiter, viewerId, amount } }, { services, viewer }) => ({
        quota: await services.quotas.adjust(viewer, { limiter, ownerId: viewerId ?? undefined, amount }),
      }),
    }),
  );
}

function declareUsage({ builder }: Parts): void {
  const kind = builder.enumType('UsageKind', {
    description: 'What tokens were spent on.',
    values: describe<UsageKind>({
      TURN: 'Answering a question.',
      TOPIC_SUMMARY: 'Naming a conversation; charged to no quota.',
    }),
  });
  const usage = builder.objectRef<UsageOfDay>('UsageOfDay').implement({
    description: 'What a viewer spent in a day on one thing at one model.',
    fields: (t) => ({
      day: t.exposeString('day', { description: 'The day in UTC: "2026-01-31".' }),
      provider: t.exposeString('provider', { description: 'The backend.' }),
      model: t.exposeString('model', { description: 'The model, as its backend calls it.' }),
      kind: t.expose('kind', { type: kind, description: 'What it was spent on.' }),
      inputTokens: t.expose('inputTokens', { type: 'Count', description: 'Tokens that the model read.' }),
      outputTokens: t.expose('outputTokens', { type: 'Count', description: 'Tokens that it wrote.' }),
    }),
  });
  builder.queryField('usage', (t) =>
    t.field({
      type: [usage],
      description: 'What the viewer spent, by day, provider, model and kind; newest day first.',
      authScopes: { action: 'INFO' },
      args: {
        days: t.arg.int({
          description: `How many days, today included, 1 to ${MAX_DAYS}; default ${DEFAULT_DAYS}.`,
        }),
      },
      resolve: async (_root, { days }, { services, viewer }) => {
        const wanted = parseDays(days ?? DEFAULT_DAYS);
        return [...(await services.database.asViewer(viewer, (tx) => selectUsage(tx, wanted)))];
      },
    }),
  );
}

function parseDays(days: number): number {
  if (days >= 1 && days <= MAX_DAYS) return days;
  throw new AppError('BAD_USER_INPUT', `days must be 1 to ${MAX_DAYS}`, {
    details: { explanation: `It is ${days}` },
  });
}
