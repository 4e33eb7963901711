/** What one client keeps of its question: the check that runs along, the newest entries, the closes. No I/O. */
import { createHistoryCheck, type HistoryCheck } from '../check/check-history.ts';
import type { ClientOutcome, HistoryEntry } from '../check/types.ts';
import type { ClientTask } from './client-task.ts';

/** Entries that are kept for a look: the check has seen them all. */
const KEEP_ENTRIES = 400;

export interface Record {
  readonly check: HistoryCheck;
  add(entry: HistoryEntry): void;
  /** The client was refused for good. */
  abandon(code: string): void;
  toOutcome(): ClientOutcome;
}

export function createRecord({ plan, kind }: Pick<ClientTask, 'plan' | 'kind'>): Record {
  const check = createHistoryCheck(plan);
  const closes: { code: number; at: number }[] = [];
  let entries: HistoryEntry[] = [];
  let connects = 0;
  let abandoned: string | null = null;
  let endedAt: number | null = null;

  return {
    check,
    add(entry) {
      check.add(entry);
      entries.push(entry);
      if (entries.length > 2 * KEEP_ENTRIES) entries = entries.slice(-KEEP_ENTRIES);
      if (entry.kind === 'connect') connects += 1;
      if (entry.kind === 'closed' && entry.code !== 0) closes.push({ code: entry.code, at: entry.at });
      if (check.last !== null) endedAt ??= entry.at;
    },
    abandon(code) {
      abandoned = code;
    },
    toOutcome: () => ({
      plan,
      kind,
      turnId: check.turnId,
      last: check.last,
      text: check.text,
      connects,
      abandoned,
      violations: check.violations,
      closes,
      endedAt,
      history: check.violations.length > 0 || check.last === null ? entries : [],
    }),
  };
}
