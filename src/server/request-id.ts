/** The id by which one request is found in the log, in the answer and at the caller's. */
import { randomId } from '../lib/ids.ts';

const SANE = /^[\w.-]{1,128}$/;

/** The caller's `x-request-id` when it is fit for a log line, else a new one. */
export function toRequestId(header: string | readonly string[] | undefined): string {
  return typeof header === 'string' && SANE.test(header) ? header : randomId();
}
