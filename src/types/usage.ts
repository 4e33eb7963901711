/** Token counts of a turn and how they are known. */

export type UsageSource = 'REPORTED' | 'ESTIMATED' | 'NONE';

export interface TurnUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly source: UsageSource;
}

export const NO_USAGE: TurnUsage = { inputTokens: 0, outputTokens: 0, source: 'NONE' };

/** What tokens were spent on. */
export const USAGE_KINDS = ['TURN', 'TOPIC_SUMMARY'] as const;
export type UsageKind = (typeof USAGE_KINDS)[number];

/** Tokens that a viewer spent at once. */
export interface SpentTokens {
  readonly ownerId: string;
  readonly provider: string;
  readonly model: string;
  readonly kind: UsageKind;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** What a viewer spent in a day on one thing at one model. */
export interface UsageOfDay extends Omit<SpentTokens, 'ownerId'> {
  /** In UTC, such as 2026-01-31. */
  readonly day: string;
}
