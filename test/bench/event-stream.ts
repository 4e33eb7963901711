/** Reads server-sent events as fast as a client can that trusts its server: one data line an event, line feeds only. */
import { type Agent, request as connect } from 'node:http';

export interface EventRequest {
  readonly url: string;
  readonly body: unknown;
  readonly agent: Agent;
  readonly signal: AbortSignal;
}

/** Posts JSON and calls `onData` with the data of each event. Resolves at the end of the stream, rejects when `onData` throws. */
export function readEventStream(
  { url, body, agent, signal }: EventRequest,
  onData: (data: string) => void,
): Promise<void> {
  const headers = { 'content-type': 'application/json', accept: 'text/event-stream' };
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const request = connect(url, { method: 'POST', headers, agent, signal }, (response) => {
    if (response.statusCode !== 200) return reject(new Error(`the answer has status ${response.statusCode}`));
    const feed = createSplitter(onData);
    response.setEncoding('utf8');
    response.on('data', (text: string) => {
      try {
        feed(text);
      } catch (error) {
        reject(error);
      }
    });
    response.once('end', resolve).once('error', reject);
  });
  request.once('error', reject);
  request.end(JSON.stringify(body));
  return promise;
}

/** Takes text in any pieces and gives out the data of whole events. */
export function createSplitter(onData: (data: string) => void): (text: string) => void {
  let rest = '';
  return (text) => {
    const blocks = (rest + text).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const start = block.indexOf('data: ');
      if (start !== -1) onData(block.slice(start + 'data: '.length));
    }
  };
}
