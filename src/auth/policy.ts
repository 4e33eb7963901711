/** Which actions a viewer may do, and the refusal when they may not. How someone becomes a viewer lives in authenticate.ts. */
import type { AuthorizationConfig } from '../config/config.ts';
import { AppError } from '../errors.ts';
import { ACTIONS, type Action } from '../types/action.ts';
import type { Viewer } from '../types/viewer.ts';

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

export interface PolicyOptions {
  readonly accessRules: AuthorizationConfig['accessRules'];
  /** Whether everyone is the one viewer of a server that only this machine reaches; counts only without rules. */
  readonly localOperator: boolean;
}

/** A viewer may do what the rules of all their roles allow together, and nothing else. ADMIN is everything. */
export function createPolicy({ accessRules, localOperator }: PolicyOptions): Policy {
  if (accessRules.length === 0) return createDefaultPolicy({ localOperator });
  const granted = Map.groupBy(accessRules, ({ role }) => role);
  const allows = (role: string, action: Action): boolean =>
    granted.get(role)?.some(({ actions }) => actions.includes(action) || actions.includes('ADMIN')) ?? false;
  return { can: (viewer, action) => viewer.roles.some((role) => allows(role, action)) };
}

/** Throws FORBIDDEN, naming the missing permission. */
export function requireAction(policy: Policy, viewer: Viewer, action: Action): void {
  if (policy.can(viewer, action)) return;
  throw new AppError('FORBIDDEN', `User does not have permission to perform ${action}`, {
    details: { explanation: `The action ${action} is not granted to ${viewer.name}` },
  });
}
