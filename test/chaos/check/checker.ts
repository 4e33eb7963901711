/** Brings together what clients saw, what the database kept and what the backend was asked, and says what does not fit. Pure. */
import type { Plan } from '../question.ts';
import { checkLedger } from './check-ledger.ts';
import { checkStoredTurn } from './check-stored.ts';
import type {
  Balance,
  Call,
  ClientOutcome,
  LastEvent,
  LedgerRow,
  Rule,
  StoredTurn,
  Violation,
} from './types.ts';

export interface Evidence {
  readonly clients: readonly ClientOutcome[];
  readonly turns: readonly StoredTurn[];
  readonly journal: readonly Call[];
  /** Of one viewer; empty where nothing is limited. */
  readonly ledger: readonly LedgerRow[];
  readonly balances: readonly Balance[];
}

export interface CheckOptions {
  /** A client without a key, to whom asking again is another question, may be told to do so while Postgres is away. */
  readonly mayRefuse?: boolean;
}

type Blame = (rule: Rule, what: string) => void;

/** Everything that breaks a rule. A question may be refused for good before it is accepted, not afterwards. */
export function check(
  { clients, turns, journal, ledger, balances }: Evidence,
  { mayRefuse = false }: CheckOptions = {},
): readonly Violation[] {
  const violations: Violation[] = clients.flatMap((client) => client.violations);
  const turnsOf = Map.groupBy(turns, (turn) => turn.key);
  const callsOf = Map.groupBy(journal, (call) => call.key);
  const plans = new Map<string, Plan>(clients.map(({ plan }) => [plan.key, plan]));
  for (const plan of plans.values()) {
    const blame: Blame = (rule, what) => violations.push({ rule, key: plan.key, what });
    const stored = turnsOf.get(plan.key) ?? [];
    checkCalls(stored, callsOf.get(plan.key) ?? [], blame);
    for (const turn of stored) violations.push(...checkStoredTurn(turn, plan));
  }
  for (const client of clients) {
    const stored = turnsOf.get(client.plan.key) ?? [];
    violations.push(...checkClient(client, stored, mayRefuse && client.kind === 'stock'));
  }
  violations.push(...checkLedger(turns, ledger, balances));
  for (const key of new Set([...turnsOf.keys(), ...callsOf.keys()])) {
    if (!plans.has(key)) violations.push({ rule: 'P3', key, what: 'nobody asked this' });
  }
  return violations;
}

/** A turn without a call ended before it was made; a call without a turn can never be. */
function checkCalls(turns: readonly StoredTurn[], calls: readonly Call[], blame: Blame): void {
  if (turns.length > 1) blame('P3', `${turns.length} turns: ${turns.map((turn) => turn.id).join(', ')}`);
  if (calls.length > 1) blame('P3', `${calls.length} calls, by ${calls.map((call) => call.node).join(', ')}`);
  if (calls.length > 0 && turns.length === 0) blame('P3', 'a call without a turn');
  const [turn] = turns;
  if (turn?.status === 'COMPLETED' && calls.length === 0) blame('P3', 'completed without a call');
}

function checkClient(
  client: ClientOutcome,
  turns: readonly StoredTurn[],
  mayRefuse: boolean,
): readonly Violation[] {
  const violations: Violation[] = [];
  const blame: Blame = (rule, what) => violations.push({ rule, key: client.plan.key, what });
  const turn = turns.find(({ id }) => id === client.turnId);
  if (client.turnId !== null && turn === undefined) {
    blame('ENDED', `the turn ${client.turnId} that a client follows is not stored`);
  }
  if (client.last === null) {
    const { abandoned, connects, turnId } = client;
    if (abandoned === null) blame('ENDED', `the client never saw the end; it connected ${connects} times`);
    else if (turnId !== null && !mayRefuse) {
      blame('ENDED', `the client was refused what it followed: ${abandoned}`);
    }
    return violations;
  }
  const stored = turn && toLastEvent(turn);
  if (stored && !isSame(stored, client.last)) {
    blame('P4', `the client saw ${JSON.stringify(client.last)}, stored is ${JSON.stringify(stored)}`);
  }
  if (turn && turn.answer !== client.text) {
    blame('TEXT', `the client has ${JSON.stringify(client.text)}, stored is ${JSON.stringify(turn.answer)}`);
  }
  return violations;
}

const TYPES: Readonly<Record<string, string>> = {
  end: 'EndEvent',
  error: 'ErrorEvent',
  interrupted: 'InterruptedEvent',
};

function toLastEvent(turn: StoredTurn): LastEvent | undefined {
  const event = turn.batches.at(-1)?.events.at(-1);
  if (event === undefined) return undefined;
  const reason =
    event.type === 'interrupted' ? event.reason : event.type === 'error' ? event.error.code : null;
  return { type: TYPES[event.type] ?? event.type, seq: event.seq, reason };
}

function isSame(one: LastEvent, other: LastEvent): boolean {
  return one.type === other.type && one.seq === other.seq && one.reason === other.reason;
}
