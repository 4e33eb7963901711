/** GET /metrics: what has been counted, for those who may know it. */
import type { IncomingMessage } from 'node:http';
import type { Authenticate } from '../auth/authenticate.ts';
import { type Policy, requireAction } from '../auth/policy.ts';
import type { Config } from '../config/config.ts';
import type { Metrics } from '../metrics.ts';
import { toCredentials } from './credentials.ts';
import type { WholeAnswer } from './use-answers.ts';

export const METRICS_PATH = '/metrics';

export interface MetricsEndpointDeps {
  readonly metrics: Pick<Metrics, 'registry'>;
  readonly authenticate: Authenticate;
  readonly policy: Policy;
  readonly config: Pick<Config, 'server'>;
}

/** Throws what refuses the request. */
export type MetricsEndpoint = (req: IncomingMessage) => Promise<WholeAnswer>;

export function createMetricsEndpoint(deps: MetricsEndpointDeps): MetricsEndpoint {
  const { registry } = deps.metrics;
  const isOpen = deps.config.server.openMetrics;
  return async (req) => {
    if (!isOpen) requireAction(deps.policy, await deps.authenticate(toCredentials(req)), 'GET_METRICS');
    return { status: 200, headers: { 'content-type': registry.contentType }, body: await registry.metrics() };
  };
}
