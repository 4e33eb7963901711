/** A stock client that follows one turn over a WebSocket and notes what it sees, also how its socket was closed. */
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';

export interface SeenEvent {
  readonly __typename: string;
  readonly cursor: string;
  readonly seq: number;
  readonly fromSeq: number;
  readonly turnId: string;
  readonly token?: string;
  readonly reason?: string;
  readonly answer?: string;
  readonly discardAfterSeq?: number;
}

/** What a client holds that does as a ResetEvent says. */
export function toHeld(events: readonly SeenEvent[]): readonly SeenEvent[] {
  let held: SeenEvent[] = [];
  for (const event of events) {
    const { discardAfterSeq } = event;
    if (discardAfterSeq === undefined) held.push(event);
    else held = held.filter(({ seq }) => seq <= discardAfterSeq);
  }
  return held;
}

const EVENT = `{ __typename ... on TurnEvent { cursor seq fromSeq turnId } ... on TokenEvent { token }
  ... on InterruptedEvent { reason answer } ... on ResetEvent { discardAfterSeq } }`;

/** Disposing leaves. */
export interface WsFollower extends AsyncDisposable {
  readonly events: readonly SeenEvent[];
  readonly text: string;
  /** Resolves with the code with which its socket was closed; it does not connect again. */
  readonly closed: Promise<number>;
  /** Resolves when nothing more comes. */
  readonly done: Promise<void>;
}

/** `field` is a field of the subscription type, with its arguments. */
export function followOverWs(url: string, field: string): WsFollower {
  const events: SeenEvent[] = [];
  const closed = Promise.withResolvers<number>();
  const client = createClient({ url, webSocketImpl: WebSocket, retryAttempts: 0 });
  client.on('closed', (event) => closed.resolve((event as { code: number }).code));
  const results = client.iterate<{ event: SeenEvent }>({
    query: `subscription { event: ${field} ${EVENT} }`,
  });
  const follow = async (): Promise<void> => {
    for await (const { data, errors } of results) {
      if (errors || !data) throw new Error(JSON.stringify(errors));
      events.push(data.event);
    }
  };
  const done = follow().catch(() => {});
  return {
    events,
    get text() {
      return events.map(({ token }) => token ?? '').join('');
    },
    closed: closed.promise,
    done,
    async [Symbol.asyncDispose]() {
      await results.return?.();
      await client.dispose();
    },
  };
}
