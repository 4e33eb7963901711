/** What operators' machines ask: is the process alive, and can it serve. */
import type { WholeAnswer } from './use-answers.ts';

export interface ProbeDeps {
  /** Why the server cannot serve now; empty when it can. */
  readiness(): Promise<readonly string[]>;
}

export type Probe = () => Promise<WholeAnswer>;
/** By path. */
export type Probes = ReadonlyMap<string, Probe>;

export function createProbes(deps: ProbeDeps): Probes {
  return new Map<string, Probe>([
    ['/livez', async () => json(200, { status: 'alive' })],
    ['/readyz', () => readiness(deps)],
  ]);
}

async function readiness(deps: ProbeDeps): Promise<WholeAnswer> {
  const reasons = await deps.readiness().catch((error: unknown) => [messageOf(error)]);
  return reasons.length === 0 ? json(200, { status: 'ready' }) : json(503, { status: 'not ready', reasons });
}

export function json(status: number, body: unknown): WholeAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify(body),
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
