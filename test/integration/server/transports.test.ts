import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SECRET, startTransportServer, type TransportServer } from '../../support/transport-server.ts';
import { TRANSPORTS } from '../../support/transports.ts';

let server: TransportServer;
beforeAll(async () => {
  server = await startTransportServer();
});
afterAll(() => server[Symbol.asyncDispose]());

describe.each(TRANSPORTS)('%s', (_name, run) => {
  it('receives every event of a subscription, in order, and its end', async () => {
    const outcome = await run(server, 'subscription { ticks(n: 100) }');
    expect(outcome.data).toEqual(Array.from({ length: 100 }, (_, i) => ({ ticks: i })));
    expect(outcome).toMatchObject({ errors: [], completed: true });
  });

  it('receives text that looks like framing as it is', async () => {
    const text = '\r\n--graphql--\r\n\n\ndata: {}\n\nevent: complete\u2028\r';
    const outcome = await run(server, `subscription { echo(text: ${JSON.stringify(text)}) }`);
    expect(outcome).toEqual({ data: [{ echo: text }], errors: [], completed: true });
  });

  it('receives a refusal by a subscription as its first result, then the end', async () => {
    const outcome = await run(server, 'subscription { refused }');
    expect(outcome).toMatchObject({
      data: [],
      errors: [
        {
          message: 'A turn is running',
          path: ['refused'],
          extensions: { code: 'CONVERSATION_BUSY', retryable: true, retryAfterMs: 1_500, cause: null },
        },
      ],
      completed: true,
    });
  });

  it.each(['subscription { broken }', 'query { unexpected }', 'query { leaky }', 'query { colour }'])(
    'learns nothing about the fault in %s but its request id',
    async (query) => {
      const { errors } = await run(server, query);
      expect(errors).toHaveLength(1);
      expect(errors[0]).toMatchObject({
        message: 'Internal server error',
        extensions: { code: 'INTERNAL_SERVER_ERROR', requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
      });
      expect(JSON.stringify(errors)).not.toContain(SECRET);
      const { extensions } = errors[0] ?? {};
      expect(server.lines).toContainEqual(
        expect.objectContaining({
          level: 'error',
          fields: expect.objectContaining({ requestId: extensions?.requestId, err: expect.any(Error) }),
        }),
      );
    },
  );

  it('receives the code and the cause of an expected error, and nothing else of it', async () => {
    const { errors } = await run(server, 'query { expected }');
    expect(errors[0]).toMatchObject({
      message: 'The quota has been exceeded',
      path: ['expected'],
      extensions: {
        code: 'QUOTA_EXCEEDED',
        cause: 'User u1 has no available tokens',
        retryable: false,
        resetAt: '1970-01-01T00:00:00.000Z',
      },
    });
    expect(Object.keys(errors[0]?.extensions ?? {}).sort()).toEqual([
      'cause',
      'code',
      'requestId',
      'resetAt',
      'retryable',
    ]);
  });

  it.each([
    ['query { helo }', 'GRAPHQL_VALIDATION_FAILED'],
    ['subscription { nothing }', 'GRAPHQL_VALIDATION_FAILED'],
    ['subscription { a: ticks(n: 1) b: ticks(n: 1) }', 'GRAPHQL_VALIDATION_FAILED'],
  ])('is told that %s does not fit the schema', async (query, code) => {
    const { errors } = await run(server, query);
    expect(errors.map(({ extensions }) => extensions?.code)).toContain(code);
  });

  it('never sees how HTTP was to answer', async () => {
    for (const query of ['query { helo }', 'query { expected }', 'subscription { refused }']) {
      const { errors } = await run(server, query);
      expect(errors.length).toBeGreaterThan(0);
      for (const { extensions } of errors) expect(extensions).not.toHaveProperty('http');
    }
  });
});

describe('expected errors', () => {
  it('are one line in the log, at the level of their code, without a stack', async () => {
    await using quiet = await startTransportServer();
    for (const [, run] of TRANSPORTS) await run(quiet, 'query { expected }');
    expect(quiet.lines).toHaveLength(TRANSPORTS.length);
    for (const { level, fields, message } of quiet.lines) {
      expect([level, message]).toEqual(['info', 'The quota has been exceeded']);
      expect(fields).toEqual({
        code: 'QUOTA_EXCEEDED',
        requestId: expect.any(String),
        path: 'expected',
        reason: `Error: ${SECRET}`,
      });
    }
  });
});
