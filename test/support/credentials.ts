/** Credentials as a request brings them, and what a module says to them. */
import type { Identify, Identity } from '../../src/auth/authenticate.ts';
import type { Credentials } from '../../src/auth/credentials.ts';
import { type AppError, isAppError } from '../../src/errors.ts';

export const bearer = (token: string): Credentials => ({ headers: { authorization: [`Bearer ${token}`] } });

/** The error that refuses the credentials; fails when they are accepted. */
export async function refusalOf(identify: Identify, credentials: Credentials): Promise<AppError> {
  const outcome: Identity | unknown = await identify(credentials).catch((error: unknown) => error);
  if (isAppError(outcome)) return outcome;
  throw new Error('the credentials were not refused by a coded error', { cause: outcome });
}
