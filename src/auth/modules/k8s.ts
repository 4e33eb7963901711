/** The module for Kubernetes: its API server says whose token it is, and whether they may come in. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import type { AuthenticationConfig } from '../../config/config.ts';
import { AppError, isAppError } from '../../errors.ts';
import type { JsonObject } from '../../types/json.ts';
import type { Identify, Identity } from '../authenticate.ts';
import { requireBearerToken, unauthenticated } from '../credentials.ts';
import { createFetchJson, type FetchJson } from '../fetch-json.ts';

type Settings = NonNullable<AuthenticationConfig['k8s']>;

/** Tokens whose review is kept. */
const MAX_KEPT = 1_000;
const TOKEN_REVIEWS = '/apis/authentication.k8s.io/v1/tokenreviews';
const ACCESS_REVIEWS = '/apis/authorization.k8s.io/v1/subjectaccessreviews';

const userSchema = z.object({
  username: z.string().min(1),
  uid: z.string().optional(),
  groups: z.array(z.string()).default([]),
  extra: z.record(z.string(), z.array(z.string())).default({}),
});
const tokenReviewSchema = z.object({
  status: z.object({
    authenticated: z.boolean().default(false),
    audiences: z.array(z.string()).default([]),
    user: z.unknown().optional(),
  }),
});
const accessReviewSchema = z.object({ status: z.object({ allowed: z.boolean() }) });

type User = z.output<typeof userSchema>;

interface Deps {
  readonly settings: Settings;
  readonly fetchJson: FetchJson;
}

/** Throws BAD_USER_INPUT, in one line, when the file of the authority cannot be read. Asks nobody anything yet. */
export function createK8s(settings: Settings): Identify {
  const fetchJson = createFetchJson({ ...settings, caSetting: 'authentication.k8s.caFile' });
  const reviews = new LRUCache<string, Promise<Identity>>({ max: MAX_KEPT, ttl: settings.cacheMs });
  return (credentials) => {
    const token = requireBearerToken(credentials);
    const key = createHash('sha256').update(token).digest('base64');
    const known = reviews.get(key);
    if (known !== undefined) return known;
    const review = reviewViewer({ settings, fetchJson }, token);
    reviews.set(key, review);
    review.catch((error: unknown) => {
      // That nobody could tell is not kept: the next who asks may be luckier.
      if (isAppError(error, 'AUTH_UNAVAILABLE') && reviews.peek(key) === review) reviews.delete(key);
    });
    return review;
  };
}

async function reviewViewer(deps: Deps, token: string): Promise<Identity> {
  const user = await reviewToken(deps, token);
  await reviewAccess(deps, user);
  const { username, uid } = user;
  return { id: uid === undefined || uid === '' ? username : uid, name: username, claims: { ...user } };
}

/** Throws UNAUTHENTICATED for the token of nobody, and AUTH_UNAVAILABLE. */
async function reviewToken(deps: Deps, token: string): Promise<User> {
  const { audiences } = deps.settings;
  const { status } = await post(deps, TOKEN_REVIEWS, {
    schema: tokenReviewSchema,
    body: {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token, ...(audiences.length > 0 && { audiences }) },
    },
  });
  const user = userSchema.safeParse(status.user);
  // A server that does not know of audiences answers without any: then nobody has compared them.
  const isForUs = audiences.length === 0 || audiences.some((one) => status.audiences.includes(one));
  if (status.authenticated && isForUs && user.success && !isAnonymous(user.data)) return user.data;
  throw unauthenticated('Invalid or expired Kubernetes token');
}

function isAnonymous({ username, groups }: User): boolean {
  return username === 'system:anonymous' || groups.includes('system:unauthenticated');
}

/** Throws FORBIDDEN when the user may not get the virtual path. */
async function reviewAccess(deps: Deps, { username, uid, groups, extra }: User): Promise<void> {
  const path = deps.settings.virtualPath;
  const { status } = await post(deps, ACCESS_REVIEWS, {
    schema: accessReviewSchema,
    body: {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: { user: username, uid, groups, extra, nonResourceAttributes: { path, verb: 'get' } },
    },
  });
  if (status.allowed) return;
  throw new AppError('FORBIDDEN', `User does not have permission to get ${path}`);
}

interface Review<Answer> {
  readonly schema: z.ZodType<Answer>;
  readonly body: JsonObject;
}

async function post<Answer>(deps: Deps, path: string, { schema, body }: Review<Answer>): Promise<Answer> {
  const { settings, fetchJson } = deps;
  try {
    // The kubelet replaces it every hour or so.
    const own = (await readFile(settings.tokenFile, 'utf8')).trim();
    const answer = await fetchJson(new URL(path, settings.apiUrl).href, {
      headers: { authorization: `Bearer ${own}` },
      body,
    });
    if (answer.status !== 200 && answer.status !== 201) {
      throw new Error(`the Kubernetes API answered ${answer.status} to POST ${path}`);
    }
    return schema.parse(answer.body);
  } catch (cause) {
    throw new AppError('AUTH_UNAVAILABLE', 'Unable to connect to Kubernetes API', {
      cause,
      details: { retryAfterMs: 1_000 },
    });
  }
}
