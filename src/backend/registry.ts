/** The backends of this process by provider name. */
import type { Backend, BackendRegistry } from './backend.ts';

/** Throws when two backends have one name: requests could not tell them apart. */
export function createBackendRegistry(backends: readonly Backend[]): BackendRegistry {
  const byId = new Map(backends.map((backend) => [backend.id, backend]));
  if (byId.size < backends.length) throw new Error('two backends have the same id');
  return { backends, find: (provider) => byId.get(provider) };
}
