/** Deletes what a backend keeps of a deleted conversation. Here it is gone already, whatever becomes of it there. */
import type { BackendRegistry } from '../backend/backend.ts';
import type { Jobs } from '../jobs/jobs.ts';
import type { Log } from '../log.ts';

export interface DeleteAtBackendDeps {
  readonly registry: BackendRegistry;
  readonly log: Log;
}

/** Has this node delete conversations at backends. One that cannot be reached is tried again for about an hour, then given up. */
export function registerDeleteAtBackend(
  jobs: Pick<Jobs, 'work'>,
  { registry, log }: DeleteAtBackendDeps,
): void {
  jobs.work('delete-backend-conversation', async ({ provider, backendConversationId }, signal) => {
    const backend = registry.find(provider);
    if (backend) await backend.deleteConversation(backendConversationId, signal);
    else
      log.warn(
        { provider, backendConversationId },
        'a conversation stays at a backend that is not configured',
      );
  });
}
