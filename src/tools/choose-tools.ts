/** Which tools a question gives to the backend. Pure: nothing is contacted. */
import type { Backend } from '../backend/backend.ts';
import { AppError } from '../errors.ts';
import type { JsonObject } from '../types/json.ts';

export interface ToolRequest {
  /** True: no tools at all. */
  readonly noTools: boolean;
  /** Exactly these stores; null: all that the backend is known to have. */
  readonly vectorStoreIds: readonly string[] | null;
}

/** Passages that one search may return. */
const MAX_RESULTS = 10;

/** Tool definitions in the Responses API's own form. Throws NOT_FOUND for a store that the backend is known not to have. */
export function chooseTools(
  backend: Pick<Backend, 'id' | 'vectorStores'>,
  request: ToolRequest,
): readonly JsonObject[] {
  if (request.noTools) return [];
  const known = backend.vectorStores;
  const ids = request.vectorStoreIds ?? known ?? [];
  const unknown = known && ids.find((id) => !known.includes(id));
  if (unknown !== undefined) {
    throw new AppError('NOT_FOUND', 'Vector store not found', {
      details: { explanation: `Vector store with ID ${unknown} does not exist at ${backend.id}` },
    });
  }
  if (ids.length === 0) return [];
  return [{ type: 'file_search', vector_store_ids: [...ids], max_num_results: MAX_RESULTS }];
}
