/** The codes of errors: what each promises to whoever programs against it. */
import { describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../../src/errors.ts';

const FINAL = false;
const AGAIN = true;

/** Status and whether to try again. A change of this table is a change of the API. */
const PROMISED = {
  UNAUTHENTICATED: [401, FINAL],
  TOKEN_EXPIRED: [401, FINAL],
  FORBIDDEN: [403, FINAL],
  NOT_FOUND: [404, FINAL],
  CONVERSATION_BUSY: [409, AGAIN],
  IDEMPOTENCY_CONFLICT: [409, FINAL],
  CURSOR_EXPIRED: [410, FINAL],
  CURSOR_INVALID: [422, FINAL],
  BAD_USER_INPUT: [422, FINAL],
  SSRF_BLOCKED: [422, FINAL],
  PROMPT_TOO_LONG: [413, FINAL],
  PAYLOAD_TOO_LARGE: [413, FINAL],
  QUOTA_EXCEEDED: [429, FINAL],
  RATE_LIMITED: [429, AGAIN],
  TOO_MANY_STREAMS: [429, AGAIN],
  TOO_MANY_SUBSCRIPTIONS: [429, AGAIN],
  BACKEND_ERROR: [502, AGAIN],
  BACKEND_PROTOCOL: [502, AGAIN],
  BACKEND_UNAVAILABLE: [503, AGAIN],
  BACKEND_TIMEOUT: [504, AGAIN],
  DEPENDENCY_UNAVAILABLE: [503, AGAIN],
  AUTH_UNAVAILABLE: [503, AGAIN],
  SHUTTING_DOWN: [503, AGAIN],
  TURN_MOVED: [503, AGAIN],
  INTERNAL_SERVER_ERROR: [500, FINAL],
  BAD_REQUEST: [400, FINAL],
  BATCHING_DISABLED: [400, FINAL],
  GRAPHQL_PARSE_FAILED: [400, FINAL],
  GRAPHQL_VALIDATION_FAILED: [400, FINAL],
  OPERATION_RESOLUTION_FAILURE: [400, FINAL],
  OPERATION_TOO_COMPLEX: [400, FINAL],
  PERSISTED_QUERY_NOT_FOUND: [400, FINAL],
  PERSISTED_QUERY_REQUIRED: [403, FINAL],
  CSRF_HEADER_REQUIRED: [403, FINAL],
  METHOD_NOT_ALLOWED: [405, FINAL],
  NOT_ACCEPTABLE: [406, FINAL],
  UNSUPPORTED_MEDIA_TYPE: [415, FINAL],
} as const;

describe('an error code', () => {
  it('keeps its status and whether a retry makes sense', () => {
    const actual = Object.entries(ERROR_CODES).map(([code, { status, retryable }]) => [
      code,
      [status, retryable],
    ]);
    expect(Object.fromEntries(actual)).toEqual(PROMISED);
  });
});
