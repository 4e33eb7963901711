/** All SQL of the audit log. It is only ever added to. */
import type { AnyTx, ViewerTx, WorkerTx } from '../db/client.ts';
import { auditLog } from '../db/tables/audit.ts';
import type { Action } from '../types/action.ts';

export type AuditedAction = Action | 'DELETE_MY_DATA';

/** What an action was used on. */
export interface Target {
  /** Whose it is; null: everyone's. */
  readonly ownerId: string | null;
  readonly kind?: 'conversation' | 'turn' | 'limiter';
  readonly id?: string;
}

/** One row for each target, by the viewer of the transaction and at its time. Never what was said. */
export async function insertAudit(
  tx: ViewerTx,
  action: AuditedAction,
  targets: readonly Target[],
): Promise<void> {
  await insertRows(tx, { actorId: tx.viewerId, action }, targets);
}

/** The same for what the server does on behalf of a viewer who may have it done. */
export async function insertAuditOf(
  tx: WorkerTx,
  deed: { readonly actorId: string; readonly action: AuditedAction },
  targets: readonly Target[],
): Promise<void> {
  await insertRows(tx, deed, targets);
}

async function insertRows(
  tx: AnyTx,
  deed: { readonly actorId: string; readonly action: AuditedAction },
  targets: readonly Target[],
): Promise<void> {
  if (targets.length === 0) return;
  const rows = targets.map(({ ownerId, kind, id }) => ({
    ...deed,
    subjectId: ownerId,
    targetKind: kind,
    targetId: id,
  }));
  await tx.insert(auditLog).values(rows);
}
