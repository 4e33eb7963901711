/** How a request is refused: as GraphQL says it, or with a status where there is no GraphQL. */
import type { IncomingMessage } from 'node:http';
import { ERROR_CODES } from '../errors.ts';
import { METRICS_PATH } from './metrics-endpoint.ts';
import { json } from './probes.ts';
import { pathOf } from './respond.ts';
import type { WireError } from './results.ts';
import { UPLOADS_PATH } from './uploads.ts';
import { toJsonAnswer, type WholeAnswer } from './use-answers.ts';

const PLAIN_PATHS: readonly string[] = [UPLOADS_PATH, METRICS_PATH];

export function toRefusalAnswer(req: IncomingMessage, error: WireError): WholeAnswer {
  if (PLAIN_PATHS.includes(pathOf(req))) return toPlainRefusal(error);
  return toJsonAnswer({ errors: [error] }, req.headers.accept ?? null);
}

/** With the status of its code: a request that is not GraphQL has no other place for it. */
function toPlainRefusal(error: WireError): WholeAnswer {
  const { code, retryAfterMs } = error.extensions;
  const answer = json(ERROR_CODES[code].status, { errors: [error] });
  if (retryAfterMs === undefined) return answer;
  return { ...answer, headers: { ...answer.headers, 'retry-after': String(Math.ceil(retryAfterMs / 1000)) } };
}
