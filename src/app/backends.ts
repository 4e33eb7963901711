/** The backends that answer questions: those of the configuration, or the built-in one; and what the start screen says of them. */
import type { BackendRegistry } from '../backend/backend.ts';
import { createBackend } from '../backend/client.ts';
import { withStreamFaults } from '../backend/faulty-backend.ts';
import { createBackendRegistry } from '../backend/registry.ts';
import { type Config, configSchema } from '../config/config.ts';
import { readVersion } from '../config/version.ts';
import type { Database } from '../db/client.ts';
import type { Patience } from '../db/patience.ts';
import { searchServerDocuments } from '../documents/documents.ts';
import { importOwnDocs } from '../documents/own-docs.ts';
import type { Faults } from '../faults.ts';
import type { Log } from '../log.ts';
import { MODEL, VECTOR_STORE } from '../responder/request.ts';
import { startResponder } from '../responder/responder.ts';
import type { StartupSummary } from '../types/app.ts';

/** Provider name of the built-in backend. */
const RESPONDER_ID = 'millrace';

export interface BackendsDeps {
  readonly config: Config;
  readonly log: Log;
  /** Gets what is to be closed at the end. */
  readonly resources: AsyncDisposableStack;
  readonly faults: Faults | undefined;
  readonly patience: Patience;
}

/** The configured backends; without any, the built-in one with Millrace's own pages to answer from. */
export async function openBackends(making: BackendsDeps, database: Database): Promise<BackendRegistry> {
  const { config, log, resources, faults, patience } = making;
  if (config.backends.length > 0) {
    const backends = config.backends.map((backend) => createBackend(backend, { log }));
    return createBackendRegistry(faults ? backends.map((one) => withStreamFaults(one, faults)) : backends);
  }
  await patience.attempt(() => importOwnDocs({ database }));
  const searchDocuments = (query: string, limit: number) =>
    searchServerDocuments({ database }, { query, limit });
  const { baseUrl, apiKey } = resources.use(await startResponder({ searchDocuments, log }));
  const { backends } = configSchema.parse({
    backends: [
      {
        id: RESPONDER_ID,
        kind: 'other',
        baseUrl,
        apiKey,
        models: [MODEL],
        capabilities: { conversations: false, moderations: false, mcp: false, images: false },
      },
    ],
  });
  return createBackendRegistry(
    backends.map((backend) =>
      createBackend(backend, { log, vectorStores: [{ id: VECTOR_STORE, name: 'Imported documents' }] }),
    ),
  );
}

/** Whether a backend is a language model: the built-in one only quotes. */
export function canGenerate(config: Pick<Config, 'backends'>, provider: string): boolean {
  return config.backends.length > 0 || provider !== RESPONDER_ID;
}

export function summarizeStart(
  config: Config,
  registry: BackendRegistry,
  place: StartupSummary['database'],
): Omit<StartupSummary, 'url' | 'graphiqlUrl'> {
  const { defaultProvider, defaultModel } = config.inference;
  const builtIn = config.backends.length === 0;
  return {
    version: readVersion(),
    backends: registry.backends.map(({ id, location }) => ({
      id,
      location: builtIn ? 'built-in: quotes imported documents, no language model' : location,
      model: builtIn ? MODEL : id === defaultProvider ? defaultModel : undefined,
    })),
    database: place,
  };
}
