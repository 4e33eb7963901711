/** Limits that no test meets by accident: most ask as one viewer, from one address. */
import type { ConfigInput } from '../../src/config/config.ts';

const EVERYTHING = 1_000_000;
const ANY_RATE = { count: EVERYTHING };

export const UNLIMITED = {
  turnsPerViewer: EVERYTHING,
  turnsPerNode: EVERYTHING,
  streamsPerViewer: EVERYTHING,
  webSocketsPerViewer: EVERYTHING,
  webSocketsPerAddress: EVERYTHING,
  webSocketsWaiting: EVERYTHING,
  operationRate: ANY_RATE,
  upgradeRate: ANY_RATE,
  messageRate: ANY_RATE,
} as const satisfies ConfigInput['limits'];
