/** The one connection of a node that listens for Postgres notifications. What they mean is known to those who listen. */
import postgres, { type Sql } from 'postgres';
import { delay, orAborted } from '../lib/abort.ts';
import type { Log } from '../log.ts';

export interface Subscriber {
  /** Receives what is sent on the channel while the connection stands. Must not throw. */
  onMessage(payload: string): void;
  /** Called when listening begins and after every loss: what was sent before may have been missed. Must not throw. */
  onConnect(): void;
}

export interface Listener extends AsyncDisposable {
  /** Listens on a channel until disposed. The channel is a name, not an expression. */
  listen(channel: string, subscriber: Subscriber): Disposable;
  /** Whether the connection stands, as far as is known: a dead one is found out by its heartbeat. */
  readonly isConnected: boolean;
}

export interface ListenerOptions {
  /** Must lead to Postgres itself: a pooler in transaction mode has no session that could listen. */
  readonly url: string;
  readonly log: Log;
  /** How often a silent connection is asked for a sign of life, in milliseconds. */
  readonly heartbeatMs?: number;
  /** Longest wait for an answer to LISTEN or to a heartbeat, in milliseconds. */
  readonly answerMs?: number;
}

const HEARTBEAT_MS = 15_000;
const ANSWER_MS = 10_000;
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 3_000;

/** What the parts of one listener share. */
interface Listening {
  readonly options: ListenerOptions;
  readonly subscribers: Map<string, Set<Subscriber>>;
  readonly stop: AbortController;
  /** The connection while it stands. */
  connection: Connection | undefined;
}

interface Connection {
  readonly driver: Sql;
  /** Aborted when the connection is over. */
  readonly lost: AbortController;
  readonly answerMs: number;
}

/** Connects at once and again after every loss, until it is disposed. */
export function createListener(options: ListenerOptions): Listener {
  const listening: Listening = {
    options,
    subscribers: new Map(),
    stop: new AbortController(),
    connection: undefined,
  };
  const running = keepConnected(listening);
  return {
    listen: (channel, subscriber) => subscribe(listening, channel, subscriber),
    get isConnected() {
      return listening.connection !== undefined;
    },
    async [Symbol.asyncDispose]() {
      listening.stop.abort();
      await running;
    },
  };
}

function subscribe(listening: Listening, channel: string, subscriber: Subscriber): Disposable {
  const { subscribers } = listening;
  const known = subscribers.get(channel) ?? new Set<Subscriber>();
  known.add(subscriber);
  subscribers.set(channel, known);
  if (listening.connection) void join(listening.connection, channel, [subscriber]);
  // The connection goes on to listen on a channel that nobody reads any more: that costs nothing.
  return { [Symbol.dispose]: () => void known.delete(subscriber) };
}

/** Listens on a channel of a standing connection; a connection that refuses is given up. */
async function join(connection: Connection, channel: string, subscribers: Iterable<Subscriber>) {
  const isListening = await answers(connection, `LISTEN "${channel.replaceAll('"', '""')}"`);
  if (!isListening) return connection.lost.abort();
  for (const subscriber of [...subscribers]) subscriber.onConnect();
}

/** Whether the database carries out the statement in time. */
async function answers({ driver, lost, answerMs }: Connection, statement: string): Promise<boolean> {
  const tooLate = AbortSignal.any([lost.signal, AbortSignal.timeout(answerMs)]);
  const answer = driver.unsafe(statement).then(
    () => true,
    () => false,
  );
  return (await orAborted(answer, tooLate)) ?? false;
}

async function keepConnected(listening: Listening): Promise<void> {
  const { stop, options } = listening;
  let wait = FIRST_RETRY_MS;
  while (!stop.signal.aborted) {
    const since = performance.now();
    await holdConnection(listening);
    if (stop.signal.aborted) return;
    // One that is lost as soon as it stands is no better than none.
    const stood = performance.now() - since >= LONGEST_RETRY_MS;
    wait = stood ? FIRST_RETRY_MS : Math.min(wait * 2, LONGEST_RETRY_MS);
    options.log.warn(
      { retryMs: wait },
      'the connection that listens for notifications is lost; it is renewed',
    );
    await delay(wait, stop.signal);
  }
}

/** Resolves when the connection is over. */
async function holdConnection(listening: Listening): Promise<void> {
  const { stop, subscribers, options } = listening;
  const lost = new AbortController();
  const onStop = (): void => lost.abort();
  stop.signal.addEventListener('abort', onStop, { once: true });
  const connection = {
    lost,
    driver: openDriver(listening, () => lost.abort()),
    answerMs: options.answerMs ?? ANSWER_MS,
  };
  try {
    if (!(await answers(connection, 'SELECT 1'))) return;
    listening.connection = connection;
    await Promise.all([...subscribers].map(([channel, known]) => join(connection, channel, known)));
    while (!lost.signal.aborted) {
      await delay(options.heartbeatMs ?? HEARTBEAT_MS, lost.signal);
      if (!lost.signal.aborted && !(await answers(connection, 'SELECT 1'))) lost.abort();
    }
  } finally {
    listening.connection = undefined;
    stop.signal.removeEventListener('abort', onStop);
    await connection.driver.end({ timeout: 0 });
  }
}

/** The driver's own `listen` renews its connection by itself and forgets the channel when that fails the first time. */
function openDriver({ options, subscribers }: Listening, onLost: () => void): Sql {
  const onnotify = (channel: string, payload: string): void => {
    for (const subscriber of [...(subscribers.get(channel) ?? [])]) subscriber.onMessage(payload);
  };
  const settings = {
    max: 1,
    idle_timeout: 0,
    max_lifetime: null,
    connect_timeout: 5,
    fetch_types: false,
    onnotice: () => {},
    onclose: onLost,
    onnotify,
    connection: { application_name: 'millrace-listen' },
  };
  return postgres(options.url, settings);
}
