/** The module for keys that the operator gives out: each key stands for a viewer. Keys in files can be replaced while the server runs. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { AuthenticationConfig } from '../../config/config.ts';
import { isUsableKey, toKeys } from '../../config/sections/authentication.ts';
import { AppError } from '../../errors.ts';
import { createTtlCache } from '../../lib/ttl-cache.ts';
import type { Log } from '../../log.ts';
import type { Identify, Identity } from '../authenticate.ts';
import { requireBearerToken, unauthenticated } from '../credentials.ts';

type KeySettings = NonNullable<AuthenticationConfig['apiKey']>['keys'][number];

/** With the interval at which open streams are looked at again: a key that is taken out of its file ends them within 30 s. */
const FILE_CACHE_MS = 5_000;
const FAILURE_CACHE_MS = 1_000;

interface Holder {
  readonly identity: Identity;
  readonly digests: readonly Buffer[];
}

export interface ApiKeyDeps {
  readonly settings: readonly KeySettings[];
  readonly log: Log;
}

export function createApiKey({ settings, log }: ApiKeyDeps): Identify {
  const sources = settings.map((entry) => createSource(entry, log));
  return async (credentials) => {
    const digest = toDigest(requireBearerToken(credentials));
    const holders = await Promise.all(sources.map((read) => read()));
    const holder = findHolder(holders, digest);
    if (holder === undefined) throw unauthenticated('Invalid API key');
    return holder.identity;
  };
}

/** Every key is compared, and in constant time, so that neither its place nor its beginning shows in how long it takes. */
function findHolder(holders: readonly Holder[], digest: Buffer): Holder | undefined {
  let found: Holder | undefined;
  for (const holder of holders) {
    for (const candidate of holder.digests) if (timingSafeEqual(candidate, digest)) found = holder;
  }
  return found;
}

/** Digests have one length, whatever the keys have. */
function toDigest(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

function createSource(entry: KeySettings, log: Log): () => Promise<Holder> {
  const { id, name = id, roles, key = '', keyFile } = entry;
  const toHolder = (text: string): Holder => ({
    identity: { id, name, roles },
    digests: toKeys(text).filter(isUsableKey).map(toDigest),
  });
  if (keyFile === undefined) {
    const holder = toHolder(key);
    return () => Promise.resolve(holder);
  }
  const cache = createTtlCache({
    load: async () => toHolder(await readKeys(keyFile, log)),
    ttlMs: FILE_CACHE_MS,
    failureTtlMs: FAILURE_CACHE_MS,
  });
  return () => cache.get();
}

/** A file that is gone holds no key; one that cannot be read for another reason says nothing about its keys. */
async function readKeys(file: string, log: Log): Promise<string> {
  try {
    const text = await readFile(file, 'utf8');
    if (!toKeys(text).every(isUsableKey))
      log.warn({ file }, 'A file holds an API key that cannot be used: too short, or with spaces');
    return text;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') {
      throw new AppError('AUTH_UNAVAILABLE', 'Unable to read API keys', { cause });
    }
    log.warn({ file }, 'A file of API keys is gone');
    return '';
  }
}
