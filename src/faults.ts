/**
 * Fault points: places at which a test makes this process fail, named by MILLRACE_FAULTS. Nothing is built for them without it.
 *
 * MILLRACE_FAULTS="seal:after=kill@3,flush:before=delay:200@2+" reads: the third time that a seal is committed, SIGKILL;
 * from the second flush on, wait 200 ms before each. Actions are kill, pause (SIGSTOP), throw and delay:MS. It is for tests:
 * production mode refuses it, and it is no setting that an operator should find.
 */
import { writeSync } from 'node:fs';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from './errors.ts';

export const FAULTS_VARIABLE = 'MILLRACE_FAULTS';

/** Transactions that have a name; all the rest are `other`. */
export const TRANSACTION_NAMES = [
  'accept',
  'flush',
  'seal',
  'renew',
  'sweep',
  'reap',
  'stop',
  'read',
  'other',
] as const;
export type TransactionName = (typeof TRANSACTION_NAMES)[number];

/** Before BEGIN; before COMMIT, when all statements were carried out; after COMMIT, before anybody learns of it. */
const TRANSACTION_PLACES = ['before', 'within', 'after'] as const;

export type FaultPoint =
  | `${TransactionName}:${(typeof TRANSACTION_PLACES)[number]}`
  /** Before the backend is asked; between two batches of its answer; after the last of them. */
  | `upstream:${'before' | 'batch' | 'after'}`
  /** When the process begins to stop, and when all but the connections to its database is closed. */
  | `drain:${'begin' | 'end'}`;

export const FAULT_POINTS: readonly FaultPoint[] = [
  ...TRANSACTION_NAMES.flatMap((name) => TRANSACTION_PLACES.map((place) => `${name}:${place}` as const)),
  'upstream:before',
  'upstream:batch',
  'upstream:after',
  'drain:begin',
  'drain:end',
];

export type FaultAction =
  | { readonly kind: 'kill' | 'pause' | 'throw' }
  | { readonly kind: 'delay'; readonly ms: number };

export interface Fault {
  readonly point: FaultPoint;
  readonly action: FaultAction;
  /** The hit that it strikes, from 1. */
  readonly hit: number;
  /** Strikes every later hit, too. */
  readonly onwards: boolean;
}

export interface Faults {
  /**
   * Counts a hit of the point and does what is due there. Throws DEPENDENCY_UNAVAILABLE, as a lost database would, where
   * the fault is `throw`.
   */
  reach(point: FaultPoint): Promise<void>;
}

/** Undefined when the variable is absent or empty. Throws BAD_USER_INPUT with one line for what it cannot read, and in production. */
export function parseFaults(
  text: string | undefined,
  mode: 'development' | 'production',
): readonly Fault[] | undefined {
  if (!text) return undefined;
  if (mode === 'production') throw refuse('is for tests; production mode refuses it');
  return text.split(',').map(parseFault);
}

const FORM =
  /^(?<point>[a-z]+:[a-z]+)=(?<kind>kill|pause|throw|delay:(?<ms>\d+))(?:@(?<hit>[1-9]\d*)(?<onwards>\+)?)?$/;

function parseFault(text: string): Fault {
  const { point: name, kind, ms, hit, onwards } = FORM.exec(text.trim())?.groups ?? {};
  if (name === undefined) {
    throw refuse(
      `expected POINT=ACTION@HIT, such as seal:after=kill@3 or flush:before=delay:200@2+, got "${text}"`,
    );
  }
  const point = FAULT_POINTS.find((known) => known === name);
  if (point === undefined) {
    throw refuse(`there is no fault point "${name}", there are ${FAULT_POINTS.join(', ')}`);
  }
  const action: FaultAction =
    ms === undefined ? { kind: kind as 'kill' | 'pause' | 'throw' } : { kind: 'delay', ms: Number(ms) };
  return { point, action, hit: Number(hit ?? 1), onwards: onwards !== undefined };
}

function refuse(problem: string): AppError {
  return new AppError('BAD_USER_INPUT', `${FAULTS_VARIABLE}: ${problem}`);
}

/** Says on standard error what strikes, before it does: a killed process says nothing afterwards. */
export function createFaults(faults: readonly Fault[]): Faults {
  const hits = new Map<FaultPoint, number>();
  return {
    async reach(point) {
      const hit = (hits.get(point) ?? 0) + 1;
      hits.set(point, hit);
      const due = faults.find(
        (fault) => fault.point === point && (fault.onwards ? hit >= fault.hit : hit === fault.hit),
      );
      if (due === undefined) return;
      writeSync(2, `millrace: fault ${point} ${due.action.kind} at hit ${hit}\n`);
      await strike(due.action, point);
    },
  };
}

async function strike(action: FaultAction, point: FaultPoint): Promise<void> {
  switch (action.kind) {
    case 'kill':
      process.kill(process.pid, 'SIGKILL');
      return;
    case 'pause':
      process.kill(process.pid, 'SIGSTOP');
      return;
    case 'throw':
      throw new AppError('DEPENDENCY_UNAVAILABLE', `A test made ${point} fail`);
    case 'delay':
      await sleep(action.ms);
      return;
    default:
      action satisfies never;
  }
}
