/** What the quota's ledger may hold when nothing runs any more: each turn reserved and settled once, and balances that add up. Pure. */
import type { Balance, LedgerRow, StoredTurn, Violation } from './types.ts';

/** Nothing is expected where there are no balances. */
export function checkLedger(
  turns: readonly StoredTurn[],
  ledger: readonly LedgerRow[],
  balances: readonly Balance[],
): readonly Violation[] {
  if (balances.length === 0) return [];
  const rowsOf = Map.groupBy(ledger, (row) => row.turnId ?? '');
  return [
    ...turns.flatMap((turn) => checkTurn(turn, rowsOf.get(turn.id) ?? [])),
    ...balances.flatMap((balance) => checkBalance(balance, ledger)),
  ];
}

function checkTurn({ key, status }: StoredTurn, rows: readonly LedgerRow[]): readonly Violation[] {
  if (status === 'RUNNING') return [];
  const reserved = rows.filter(({ kind }) => kind === 'RESERVE').length;
  const settled = rows.filter(({ kind }) => kind === 'SETTLE' || kind === 'RELEASE').length;
  if (reserved === 1 && settled === 1) return [];
  return [{ rule: 'P7', key, what: `reserved ${reserved} times, settled ${settled} times` }];
}

function checkBalance(balance: Balance, ledger: readonly LedgerRow[]): readonly Violation[] {
  const { limiter, available, reserved } = balance;
  const key = `limiter ${limiter}`;
  const sum = ledger.filter((row) => row.limiter === limiter).reduce((total, row) => total + row.change, 0);
  const problems = [
    ...(reserved === 0 ? [] : [`${reserved} tokens are still reserved`]),
    ...(sum === available ? [] : [`the ledger adds up to ${sum}, available are ${available}`]),
    ...(available >= 0 ? [] : [`${available} tokens are available`]),
  ];
  return problems.map((what) => ({ rule: 'P7', key, what }));
}
