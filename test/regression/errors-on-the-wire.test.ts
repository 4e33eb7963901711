import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { post, SECRET, startTransportServer } from '../support/transport-server.ts';
import { TRANSPORTS } from '../support/transports.ts';

describe('a source that throws in mid-stream', () => {
  it.each(TRANSPORTS)('is masked by %s, after the events before it', async (_name, run) => {
    await using server = await startTransportServer();
    const { data, errors } = await run(server, 'subscription { fails }');
    expect(data[0]).toEqual({ fails: 1 });
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject({
      message: 'Internal server error',
      extensions: { code: 'INTERNAL_SERVER_ERROR', requestId: expect.any(String) },
    });
    expect(JSON.stringify(errors)).not.toContain(SECRET);
    expect(server.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
  });
});

describe.each(['development', 'production', undefined])('with NODE_ENV %s', (environment) => {
  beforeEach(() => {
    vi.stubEnv('NODE_ENV', environment);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it('faults are masked all the same', async () => {
    await using server = await startTransportServer({ mode: 'development' });
    for (const query of ['{ unexpected }', '{ leaky }', '{ colour }']) {
      const { body } = await post(server.endpoint, { query });
      expect(body.errors?.[0]?.message).toBe('Internal server error');
      expect(JSON.stringify(body)).not.toMatch(/hunter2|originalError|stack/);
    }
  });
});
