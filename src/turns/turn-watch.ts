/** Sees when a backend goes on for longer than a turn may: past its quota, or calling tools again and again. */
import type { Config } from '../config/config.ts';
import type { CountTokens } from '../lib/count-tokens.ts';
import type { FinishReason } from '../types/turn.ts';
import type { WarningBody } from '../types/turn-event.ts';
import type { TurnAssignment } from './assignment.ts';
import { createOutputWatch } from './output-watch.ts';
import type { TranslateState } from './translate.ts';

/** Why an answer is cut where it is. */
export interface Cut {
  readonly finishReason: FinishReason;
  readonly warnings: readonly WarningBody[];
}

/** Undefined while the turn may go on. */
export type TurnWatch = (state: TranslateState) => Cut | undefined;

export interface WatchDeps {
  readonly config: { readonly turns: Pick<Config['turns'], 'maxToolCalls'> };
  readonly countTokens: CountTokens;
}

const QUOTA: Cut = { finishReason: 'QUOTA', warnings: [] };

/** Undefined where there is nothing to watch: no quota was reserved, and the backend was given no tools. */
export function createTurnWatch(
  { config, countTokens }: WatchDeps,
  { allowance, hasTools }: Pick<TurnAssignment, 'allowance'> & { readonly hasTools: boolean },
): TurnWatch | undefined {
  const isPast = allowance?.isReserved ? createOutputWatch(allowance.tokens, countTokens) : undefined;
  if (!isPast && !hasTools) return undefined;
  const { maxToolCalls } = config.turns;
  return (state) => {
    if (state.tools.calls.length > maxToolCalls) return toToolCut(maxToolCalls);
    return isPast?.(state) ? QUOTA : undefined;
  };
}

function toToolCut(maxToolCalls: number): Cut {
  const message = `The model called tools more than ${maxToolCalls} times and was stopped`;
  return { finishReason: 'OTHER', warnings: [{ type: 'warning', warning: 'TOOL_CALLS_EXCEEDED', message }] };
}
