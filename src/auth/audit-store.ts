/** All SQL of the audit log. It is only ever added to. */
import type { ViewerTx } from '../db/client.ts';
import { auditLog } from '../db/tables/audit.ts';
import type { Action } from '../types/action.ts';

export type AuditedAction = Action | 'DELETE_MY_DATA';

/** What an action was used on. */
export interface Target {
  /** Whose it is; null: everyone's. */
  readonly ownerId: string | null;
  readonly kind?: 'conversation' | 'turn';
  readonly id?: string;
}

/** One row for each target, by the viewer of the transaction and at its time. Never what was said. */
export async function insertAudit(
  tx: ViewerTx,
  action: AuditedAction,
  targets: readonly Target[],
): Promise<void> {
  if (targets.length === 0) return;
  const rows = targets.map(({ ownerId, kind, id }) => ({
    actorId: tx.viewerId,
    action,
    subjectId: ownerId,
    targetKind: kind,
    targetId: id,
  }));
  await tx.insert(auditLog).values(rows);
}
