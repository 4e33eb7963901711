/** What the database may hold of one turn when nothing runs any more: its row, its log, its epochs. Pure. */
import type { TurnStatus } from '../../../src/types/turn.ts';
import { isTerminal, type LoggedEvent } from '../../../src/types/turn-event.ts';
import { type Plan, toAnswer } from '../question.ts';
import type { Rule, StoredTurn, Violation } from './types.ts';

type Blame = (rule: Rule, what: string) => void;

const STATUS_OF: Readonly<Record<string, TurnStatus>> = {
  end: 'COMPLETED',
  error: 'FAILED',
  interrupted: 'INTERRUPTED',
};

export function checkStoredTurn(turn: StoredTurn, plan: Plan): readonly Violation[] {
  const violations: Violation[] = [];
  const blame: Blame = (rule, what) => violations.push({ rule, key: turn.key, what });
  if (turn.status === 'RUNNING') {
    blame('ENDED', `turn ${turn.id} is still RUNNING`);
    return violations;
  }
  const events = turn.batches.flatMap((batch) => batch.events);
  checkOrder(turn, events, blame);
  checkLastEvent(turn, events, blame);
  checkText(turn, events, { plan, blame });
  checkWriters(turn, blame);
  return violations;
}

function checkOrder(turn: StoredTurn, events: readonly LoggedEvent[], blame: Blame): void {
  const wrong = events.findIndex((event, index) => event.seq !== index + 1);
  if (wrong !== -1) blame('P1', `the log has event ${events[wrong]?.seq} in place ${wrong + 1}`);
  if (events.length !== turn.lastSeq) {
    blame('P1', `the log has ${events.length} events, the turn says ${turn.lastSeq}`);
  }
  if (events[0]?.type !== 'start') blame('P1', `the log begins with ${events[0]?.type ?? 'nothing'}`);
}

function checkLastEvent(turn: StoredTurn, events: readonly LoggedEvent[], blame: Blame): void {
  const terminal = events.filter(isTerminal);
  const last = events.at(-1);
  if (terminal.length !== 1 || last !== terminal[0]) {
    blame('P4', `the log has ${terminal.length} last events and ends with ${last?.type}`);
  }
  const type = terminal[0]?.type ?? '';
  if (STATUS_OF[type] !== turn.status) blame('P4', `the log ends with ${type}, the turn is ${turn.status}`);
}

function checkText(
  turn: StoredTurn,
  events: readonly LoggedEvent[],
  { plan, blame }: { readonly plan: Plan; readonly blame: Blame },
): void {
  const text = events.map((event) => (event.type === 'token' ? event.token : '')).join('');
  const whole = toAnswer(plan);
  if (turn.answer !== text) {
    blame('TEXT', `the turn has ${JSON.stringify(turn.answer)}, its log ${JSON.stringify(text)}`);
  }
  if (turn.status === 'COMPLETED' && turn.answer !== whole) {
    blame('TEXT', `completed with ${JSON.stringify(turn.answer)}`);
  }
  if (!whole.startsWith(text)) blame('TEXT', `the log has what was never sent: ${JSON.stringify(text)}`);
  for (const event of events) {
    if (event.type === 'turn_complete' && event.answer !== text)
      blame('TEXT', 'the log contradicts its answer');
    if (event.type === 'interrupted' && event.answer !== text) blame('TEXT', 'the log contradicts its end');
  }
}

/** Epochs grow along the log, each begins where it is recorded, and none is above the turn's fence. */
function checkWriters(turn: StoredTurn, blame: Blame): void {
  let writer = 1;
  for (const { epoch, firstSeq } of turn.batches) {
    if (epoch < writer) blame('FENCE', `writer ${epoch} stored event ${firstSeq} after writer ${writer}`);
    if (epoch > turn.fence) blame('FENCE', `writer ${epoch} is above the fence ${turn.fence}`);
    writer = Math.max(writer, epoch);
  }
  for (const { epoch, firstSeq } of turn.epochs) {
    const later = turn.batches.filter((batch) => batch.lastSeq >= firstSeq && batch.epoch < epoch);
    if (later.length > 0) blame('FENCE', `epoch ${epoch} begins at ${firstSeq}, which an older writer wrote`);
  }
}
