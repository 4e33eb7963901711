/** Token counts of a turn and how they are known. */

export type UsageSource = 'REPORTED' | 'ESTIMATED' | 'NONE';

export interface TurnUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly source: UsageSource;
}

export const NO_USAGE: TurnUsage = { inputTokens: 0, outputTokens: 0, source: 'NONE' };
