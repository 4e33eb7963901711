/** All that is settled about a question when it is accepted: what its turn is run by. Plain data, never stored. */
import type { Backend, BackendModel } from '../backend/backend.ts';
import type { Shield } from '../shields/shields.ts';
import type { ToolPlan } from '../tools/tools.ts';
import type { TurnCredentials } from '../types/credentials.ts';
import type { Turn } from '../types/turn.ts';
import type { TurnRequest } from './request.ts';
import type { Allowance } from './reserve-quota.ts';

export interface TurnAssignment {
  readonly turn: Turn;
  readonly request: TurnRequest;
  readonly backend: Backend;
  readonly model: BackendModel;
  readonly systemPrompt: string;
  /** What has to let the question pass, in order. */
  readonly shields: readonly Shield[];
  readonly toolPlan: ToolPlan;
  readonly credentials: TurnCredentials;
  /** Undefined: the backend's own bound holds. */
  readonly allowance: Allowance | undefined;
}
