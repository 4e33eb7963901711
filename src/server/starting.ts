/** The server before it is ready: the port is open, the probes answer, and everything else is to come again. */
import type { IncomingMessage } from 'node:http';
import { AppError } from '../errors.ts';
import { toGraphQLError } from '../graphql/errors.ts';
import { type Condition, createCondition } from './condition.ts';
import { type Endpoints, type Front, type FrontDeps, openFront } from './front.ts';
import { createProbes, type Probes } from './probes.ts';
import { toRefusalAnswer } from './refusal.ts';
import { toRequestId } from './request-id.ts';
import { pathOf, refuseUpgrade, send, sendEarly } from './respond.ts';
import type { WireError } from './results.ts';

const RETRY_MS = 1_000;

/** What the start is given, and passes on. */
export interface StartingServer {
  readonly front: Front;
  readonly probes: Probes;
  readonly condition: Condition;
}

/** Resolves when the port is open; who disposes of the front closes it. Throws as `openFront` does. */
export async function openStartingServer(deps: FrontDeps): Promise<StartingServer> {
  const condition = createCondition();
  const probes = createProbes({ readiness: condition.readiness });
  return { front: await openFront(deps, createStartingEndpoints(probes)), probes, condition };
}

/** Refusals are not logged: why the server is not ready is, by who waits for it. */
export function createStartingEndpoints(probes: Probes): Endpoints {
  return {
    request(req, res) {
      res.on('error', () => res.destroy());
      const refusal = toRefusal(req);
      res.setHeader('x-request-id', refusal.extensions.requestId);
      res.setHeader('cache-control', 'no-store');
      const probe = probes.get(pathOf(req));
      if (probe) return void probe().then((answer) => send(res, answer));
      const answer = toRefusalAnswer(req, refusal);
      if (req.complete) send(res, answer);
      else sendEarly(req, res, answer);
    },
    upgrade(req, socket) {
      socket.on('error', () => socket.destroy());
      refuseUpgrade(socket, toRefusal(req));
    },
  };
}

function toRefusal(req: IncomingMessage): WireError {
  const error = new AppError('DEPENDENCY_UNAVAILABLE', 'The server is starting', {
    details: { retryAfterMs: RETRY_MS },
  });
  return toGraphQLError(error, toRequestId(req.headers['x-request-id'])).toJSON() as WireError;
}
