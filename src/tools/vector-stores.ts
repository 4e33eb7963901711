/** The vector stores that the backends are known to have. */
import type { BackendRegistry, VectorStore } from '../backend/backend.ts';
import { isAppError } from '../errors.ts';

export interface OfferedVectorStore extends VectorStore {
  readonly provider: string;
}

/**
 * In the order of the backends; one that cannot be reached, or does not list its stores, is passed over.
 * Throws BACKEND_* when none can be reached.
 */
export async function listVectorStores(
  deps: { readonly registry: BackendRegistry },
  signal: AbortSignal,
): Promise<readonly OfferedVectorStore[]> {
  const lists = await Promise.allSettled(
    deps.registry.backends.map(async (backend) => {
      const stores = await backend.knownVectorStores(signal);
      return (stores ?? []).map(({ id, name }) => ({ id, name, provider: backend.id }));
    }),
  );
  const failures = lists.filter((list) => list.status === 'rejected').map((list) => list.reason);
  const fault = failures.find((reason) => !isAppError(reason)) ?? failures[0];
  if (fault !== undefined && (!isAppError(fault) || failures.length === lists.length)) throw fault;
  return lists.flatMap((list) => (list.status === 'fulfilled' ? list.value : []));
}
