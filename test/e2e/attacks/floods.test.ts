/** Attacks by many different operations: nothing grows with what is sent. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SENDERS } from '../../support/attack-senders.ts';
import { type AttackedApp, startAttackedApp } from '../../support/attacked-app.ts';

let attacked: AttackedApp;
beforeAll(async () => {
  attacked = await startAttackedApp();
});
afterAll(() => attacked[Symbol.asyncDispose]());
afterEach(() => attacked.requireUnharmed());

const MEBIBYTE = 1024 * 1024;

function readHeap(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

/** Sends them some at a time. */
async function sendAll(count: number, toQuery: (index: number) => string): Promise<void> {
  for (let done = 0; done < count; done += 25) {
    const batch = Array.from({ length: Math.min(25, count - done) }, (_, index) => toQuery(done + index));
    await Promise.all(batch.map((query) => SENDERS.POST(attacked.app, { query })));
  }
}

describe('documents that are sent once only', () => {
  const large = (index: number): string =>
    `{ serviceInfo { name } models(provider: [${`"${index}" `.repeat(1_900)}]) { id } }`;
  it.each([
    ['small ones', 1_500, (index: number) => `query Q${index} { serviceInfo { name } }`],
    ['large ones', 200, large],
    ['broken ones', 1_000, (index: number) => `{ a${index}`],
  ])('take bounded memory: %s', async (_what, count, toQuery) => {
    await sendAll(25, toQuery);
    const before = readHeap();
    await sendAll(count, (index) => toQuery(index + count));
    expect(readHeap() - before).toBeLessThan(64 * MEBIBYTE);
  });
});

describe('what clients make up', () => {
  /** The names of the series, without their values. */
  const listSeries = async (): Promise<readonly string[]> => {
    const text = await (await fetch(`${attacked.app.url}/metrics`)).text();
    return text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => line.replace(/ \S+$/, ''));
  };
  const made = async (index: number): Promise<void> => {
    const { app } = attacked;
    const model = `model-${index}`;
    await Promise.all([
      SENDERS.POST(app, {
        query: `query Operation${index} { serviceInfo { name } }`,
        operationName: `Operation${index}`,
      }),
      SENDERS.POST(app, {
        query: `query ($made${index}: ID) { models(provider: $made${index}) { id } }`,
        variables: { [`made${index}`]: model },
      }),
      SENDERS.SSE(app, {
        query: `subscription { streamingQuery(input: { query: "x", provider: "fake", model: "${model}" }) { __typename } }`,
      }),
      fetch(`${app.url}/made-up/${index}`),
      fetch(app.graphql, { method: `MADE${index}` }),
    ]);
  };

  it('names no series of the metrics: operations, variables, models, paths, methods', async () => {
    await made(0);
    await listSeries();
    const before = await listSeries();
    for (let index = 1; index <= 150; index += 1) await made(index);
    expect((await listSeries()).filter((series) => !before.includes(series))).toEqual([]);
  });
});
