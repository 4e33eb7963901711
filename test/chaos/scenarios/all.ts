/** All scenarios, in the order in which they run. */
import type { Scenario } from '../scenario.ts';
import { faultPoints } from './fault-points.ts';
import { kill } from './kill.ts';
import { network } from './network.ts';
import { pause } from './pause.ts';
import { postgres } from './postgres.ts';
import { reconnect } from './reconnect.ts';
import { rolling } from './rolling.ts';

export const SCENARIOS: readonly Scenario[] = [
  kill,
  faultPoints,
  postgres,
  reconnect,
  rolling,
  pause,
  network,
];
