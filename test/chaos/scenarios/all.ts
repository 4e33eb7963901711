/** All scenarios, in the order in which they run. */
import type { Scenario } from '../scenario.ts';
import { kill } from './kill.ts';

export const SCENARIOS: readonly Scenario[] = [kill];
