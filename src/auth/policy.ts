/** Which actions a viewer may do, and the refusal when they may not. How someone becomes a viewer lives in authenticate.ts. */
import { AppError } from '../errors.ts';
import type { Viewer } from '../types/viewer.ts';
import { ACTIONS, type Action } from './actions.ts';

export interface Policy {
  can(viewer: Viewer, action: Action): boolean;
}

/** What nobody gets without an access rule: power over others, over shields, quotas, shared documents and secrets. */
const RESERVED: ReadonlySet<Action> = new Set<Action>([
  'ADMIN',
  'LIST_OTHERS_CONVERSATIONS',
  'READ_OTHERS_CONVERSATIONS',
  'QUERY_OTHERS_CONVERSATIONS',
  'DELETE_OTHERS_CONVERSATIONS',
  'CANCEL_OTHERS_TURNS',
  'SHIELD_OVERRIDE',
  'MANAGE_QUOTAS',
  'MANAGE_DOCUMENTS',
  'GET_CONFIG',
]);

/**
 * The policy without access rules: everything about oneself.
 * `localOperator` (the only viewer of a server that listens on loopback) may also manage documents and quotas.
 */
export function createDefaultPolicy(options: { readonly localOperator: boolean }): Policy {
  const allowed = new Set<Action>(ACTIONS.filter((action) => !RESERVED.has(action)));
  if (options.localOperator) allowed.add('MANAGE_DOCUMENTS').add('MANAGE_QUOTAS');
  return { can: (_viewer, action) => allowed.has(action) };
}

/** Throws FORBIDDEN, naming the missing permission. */
export function requireAction(policy: Policy, viewer: Viewer, action: Action): void {
  if (policy.can(viewer, action)) return;
  throw new AppError('FORBIDDEN', `User does not have permission to perform ${action}`, {
    details: { explanation: `The action ${action} is not granted to ${viewer.name}` },
  });
}
