/** The questions of the harness: each says what its answer is to be, so that everybody who sees it can tell what is missing. */
import { z } from 'zod';

const planSchema = z.strictObject({
  /** Names the question; no two have the same. */
  key: z.string(),
  tokens: z.int().min(1),
  tokensPerSecond: z.number().positive(),
});

export type Plan = Readonly<z.output<typeof planSchema>>;

export function toQuestion(plan: Plan): string {
  return JSON.stringify(plan);
}

/** Throws for a text that is no question of the harness. */
export function parseQuestion(text: string): Plan {
  return planSchema.parse(JSON.parse(text));
}

/** No two tokens of any two answers are the same, so a text shows where a foreign or repeated piece came from. */
export function toToken({ key }: Pick<Plan, 'key'>, index: number): string {
  return `${index === 0 ? '' : ' '}${key}.${index}`;
}

/** The whole answer. */
export function toAnswer(plan: Plan): string {
  return Array.from({ length: plan.tokens }, (_, index) => toToken(plan, index)).join('');
}
