/** What a client may see of one question, entry by entry: order, resets, the one end, the text. Pure. */
import { type Plan, toAnswer } from '../question.ts';
import type { HistoryEntry, LastEvent, Rule, SeenEvent, Violation } from './types.ts';

export interface HistoryCheck {
  readonly turnId: string | null;
  /** Of the last event that counts; undefined before the first. */
  readonly cursor: string | null;
  readonly last: LastEvent | null;
  /** All tokens, but for those that a reset took back. */
  readonly text: string;
  readonly violations: readonly Violation[];
  add(entry: HistoryEntry): void;
}

const TERMINAL = ['EndEvent', 'ErrorEvent', 'InterruptedEvent'];

interface Part {
  readonly seq: number;
  readonly token: string;
}

interface State {
  readonly plan: Plan;
  readonly violations: Violation[];
  turnId: string | null;
  cursor: string | null;
  lastSeq: number;
  parts: Part[];
  answer: string | null;
  last: LastEvent | null;
  /** Of the connection of the moment. */
  attempt: { readonly fresh: boolean; events: number; ended: boolean; refused: boolean };
}

function blame(state: State, rule: Rule, what: string): void {
  state.violations.push({ rule, key: state.plan.key, what });
}

const textOf = (state: State): string => state.parts.map((part) => part.token).join('');

/** Everything after the sequence number is forgotten. */
function forget(state: State, afterSeq: number): void {
  state.parts = state.parts.filter((part) => part.seq <= afterSeq);
  state.lastSeq = afterSeq;
  state.answer = null;
}

function checkPlace(state: State, event: SeenEvent): void {
  const { attempt } = state;
  if (event.__typename === 'ResetEvent') {
    const to = event.discardAfterSeq ?? -1;
    if (to < 0 || to > state.lastSeq) {
      blame(state, 'P1', `a reset to event ${to} after event ${state.lastSeq}`);
    }
    if (state.last && to < state.last.seq) blame(state, 'P4', `the last event was taken back to event ${to}`);
    forget(state, to);
    return;
  }
  if (event.__typename === 'StartEvent') {
    if (event.seq !== 1) blame(state, 'P1', `a StartEvent as event ${event.seq}`);
    const isDue = attempt.fresh ? attempt.events === 0 : state.lastSeq === 0;
    if (!isDue) blame(state, 'P1', `a StartEvent after event ${state.lastSeq}`);
    forget(state, 0);
    return;
  }
  if (attempt.fresh && attempt.events === 0) {
    blame(state, 'P1', `the beginning is missing: the first event is ${event.fromSeq}`);
    return;
  }
  if (event.fromSeq !== state.lastSeq + 1 || event.seq < event.fromSeq) {
    blame(state, 'P1', `events ${event.fromSeq} to ${event.seq} came after event ${state.lastSeq}`);
  }
}

function checkEnd(state: State, event: SeenEvent): void {
  const last = { type: event.__typename, seq: event.seq, reason: event.reason ?? event.code ?? null };
  const known = state.last;
  if (known && (known.type !== last.type || known.seq !== last.seq || known.reason !== last.reason)) {
    blame(state, 'P4', `it ended as ${JSON.stringify(known)} and as ${JSON.stringify(last)}`);
  }
  state.last = last;
  const text = textOf(state);
  if (event.__typename === 'InterruptedEvent' && event.answer !== text) {
    blame(state, 'TEXT', `interrupted with ${JSON.stringify(event.answer)} after ${JSON.stringify(text)}`);
  }
  if (event.__typename !== 'EndEvent') return;
  if (state.answer !== toAnswer(state.plan)) {
    blame(state, 'TEXT', `ended well with ${JSON.stringify(state.answer)}`);
  }
  if (event.turn && event.turn.status !== 'COMPLETED') {
    blame(state, 'P4', `EndEvent of a turn that is stored as ${event.turn.status}`);
  }
  if (event.turn && event.turn.answer !== state.answer) {
    blame(state, 'P4', `EndEvent of a turn that is stored with ${JSON.stringify(event.turn.answer)}`);
  }
}

function addEvent(state: State, event: SeenEvent): void {
  const { attempt } = state;
  if (attempt.ended) blame(state, 'P4', `a ${event.__typename} after the last event`);
  if (state.turnId !== null && state.turnId !== event.turnId) {
    blame(state, 'P3', `a second turn ${event.turnId} beside ${state.turnId}`);
    forget(state, 0);
  }
  state.turnId = event.turnId;
  checkPlace(state, event);
  attempt.events += 1;
  state.cursor = event.cursor;
  if (event.__typename === 'ResetEvent') return;
  state.lastSeq = event.seq;
  if (event.token !== undefined) state.parts.push({ seq: event.seq, token: event.token });
  if (event.__typename === 'TurnCompleteEvent') {
    state.answer = event.answer ?? null;
    const text = textOf(state);
    if (event.answer !== text) {
      blame(state, 'TEXT', `TurnComplete says ${JSON.stringify(event.answer)} after ${JSON.stringify(text)}`);
    }
  }
  if (!TERMINAL.includes(event.__typename)) return;
  attempt.ended = true;
  checkEnd(state, event);
}

function add(state: State, entry: HistoryEntry): void {
  switch (entry.kind) {
    case 'connect':
      state.attempt = { fresh: entry.after === null, events: 0, ended: false, refused: false };
      return;
    case 'event':
      addEvent(state, entry.event);
      return;
    case 'refused':
      state.attempt.refused = true;
      return;
    case 'complete':
      if (!state.attempt.ended && !state.attempt.refused) {
        blame(state, 'P4', `completed after event ${state.lastSeq} without a last event`);
      }
      return;
    case 'closed':
      return;
    default:
      entry satisfies never;
  }
}

/** The check of one client's history, from its first entry. */
export function createHistoryCheck(plan: Plan): HistoryCheck {
  const state: State = {
    plan,
    violations: [],
    turnId: null,
    cursor: null,
    lastSeq: 0,
    parts: [],
    answer: null,
    last: null,
    attempt: { fresh: true, events: 0, ended: false, refused: false },
  };
  return {
    get turnId() {
      return state.turnId;
    },
    get cursor() {
      return state.cursor;
    },
    get last() {
      return state.last;
    },
    get text() {
      return textOf(state);
    },
    violations: state.violations,
    add: (entry) => add(state, entry),
  };
}
