/** Refusals in the form of the OpenAI API: https://platform.openai.com/docs/guides/error-codes */

export interface ApiFailure {
  readonly status: number;
  readonly message: string;
  readonly type: 'invalid_request_error' | 'authentication_error' | 'server_error';
  readonly code: string | null;
  /** The request's field that is at fault. */
  readonly param: string | null;
}

export function badRequest(
  message: string,
  param: string | null = null,
  code: string | null = null,
): ApiFailure {
  return { status: 400, message, type: 'invalid_request_error', code, param };
}

export function toFailureBody({ status: _status, ...error }: ApiFailure): string {
  return JSON.stringify({ error });
}
