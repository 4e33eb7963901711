/** The process that plays readers who stop reading, on all transports in turn, and who come back later for what they missed. */
import { crc32 } from 'node:zlib';
import { PAUSED_READERS, type PausedReader, type ReadEvent } from '../support/paused-reader.ts';
import type { Plan } from './options.ts';
import { answer } from './rpc.ts';

export interface PauseTask {
  /** Root of the server. */
  readonly url: string;
  readonly readers: number;
  readonly turns: number;
  readonly plan: Plan;
}

/** What came of all of them when they had read on and resumed. */
export interface PausedResult {
  /** Those that had to resume: the server had cut them before the end. */
  readonly resumed: number;
  /** What is wrong with what they read, in words. */
  readonly losses: readonly string[];
  /** Events that all of them read together. */
  readonly events: number;
}

const FOLLOW = `subscription($turnId: ID!, $after: Cursor) {
  turnEvents(turnId: $turnId, after: $after) {
    __typename
    ... on TurnEvent { cursor turnId fromSeq seq }
    ... on TokenEvent { token }
  }
}`;
const START = `mutation($input: StartTurnInput!) { startTurn(input: $input) { turn { id } } }`;
const READ = `query($id: ID!) { turn(id: $id) { answer } }`;

interface Paused {
  readonly transport: (typeof PAUSED_READERS)[number];
  readonly turnId: string;
  readonly reader: PausedReader;
}

let task: PauseTask | undefined;
let paused: readonly Paused[] = [];

async function call<Data>(url: string, query: string, variables: object): Promise<Data> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as {
    data?: Data;
    errors?: readonly { message: string }[];
  };
  if (data) return data;
  throw new Error(`refused: ${errors?.[0]?.message}`);
}

async function startTurn(url: string, plan: Plan): Promise<string> {
  const input = { query: JSON.stringify(plan), generateTopicSummary: false };
  const data = await call<{ startTurn: { turn: { id: string } } }>(url, START, { input });
  return data.startTurn.turn.id;
}

/** Resolves when each has read something and then stopped. */
async function pauseAll(given: PauseTask): Promise<void> {
  task = given;
  const { url, readers, turns, plan } = given;
  const turnIds = await Promise.all(Array.from({ length: turns }, () => startTurn(url, plan)));
  paused = await Promise.all(
    Array.from({ length: readers }, async (_, index): Promise<Paused> => {
      const transport = PAUSED_READERS[index % PAUSED_READERS.length] as Paused['transport'];
      const turnId = turnIds[index % turns] as string;
      const reader = await transport.open(url, { query: FOLLOW, variables: { turnId } });
      reader.pause();
      return { transport, turnId, reader };
    }),
  );
}

interface Reading {
  lastSeq: number;
  checksum: number;
  events: number;
  last: ReadEvent | undefined;
}

/** Throws when an event does not follow the one before. */
function read(reading: Reading, events: readonly ReadEvent[]): void {
  for (const event of events) {
    if (event.fromSeq !== reading.lastSeq + 1) {
      throw new Error(`event ${event.fromSeq} came after event ${reading.lastSeq}`);
    }
    reading.lastSeq = event.seq;
    reading.events += 1;
    if (event.token) reading.checksum = crc32(event.token, reading.checksum);
    reading.last = event;
  }
}

async function readOn(
  url: string,
  { transport, turnId, reader }: Paused,
  reading: Reading,
): Promise<boolean> {
  read(reading, (await reader.readToEnd()).events);
  if (reading.last?.__typename === 'EndEvent') return false;
  const variables = { turnId, after: reading.last?.cursor };
  const again = await transport.open(url, { query: FOLLOW, variables });
  read(reading, (await again.readToEnd()).events);
  if (reading.last?.__typename !== 'EndEvent') throw new Error(`it ended after event ${reading.lastSeq}`);
  return true;
}

/** One after another, so that all that they read is not in memory at once. */
async function readOnAll(): Promise<PausedResult> {
  if (!task) throw new Error('nobody is paused');
  const { url } = task;
  const answers = new Map<string, number>();
  for (const turnId of new Set(paused.map((one) => one.turnId))) {
    const { turn } = await call<{ turn: { answer: string } }>(url, READ, { id: turnId });
    answers.set(turnId, crc32(turn.answer));
  }
  const losses: string[] = [];
  let [resumed, events] = [0, 0];
  for (const [index, one] of paused.entries()) {
    const reading: Reading = { lastSeq: 0, checksum: 0, events: 0, last: undefined };
    try {
      if (await readOn(url, one, reading)) resumed += 1;
      if (reading.checksum !== answers.get(one.turnId)) throw new Error('the text is not the answer');
    } catch (error) {
      losses.push(
        `${one.transport.name} ${index}: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
    events += reading.events;
  }
  paused = [];
  return { resumed, losses, events };
}

answer({ pause: (input) => pauseAll(input as PauseTask), readOn: readOnAll });
