import { describe, expect, it } from 'vitest';
import { startProcess } from '../../support/child-process.ts';

const start = (fault: string, env: Readonly<Record<string, string>> = {}) =>
  startProcess('test/support/serving-process.ts', [fault], env);

describe('millrace serve', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'drains and disposes of the application at %s and exits with 0',
    async (signal) => {
      await using server = start('none');
      await server.waitFor('is ready');
      server.send(signal);
      const { code, out, err } = await server.exit;
      expect(out).toMatch(/draining\ndisposing\ndisposed\n$/);
      expect(out).toContain(`  ${signal}: stopping. Once more stops at once.\n`);
      expect({ code, err }).toEqual({ code: 0, err: '' });
    },
  );

  it('says how many turns it waits for, and for how long', async () => {
    await using server = start('turns');
    await server.waitFor('is ready');
    server.send('SIGINT');
    expect((await server.exit).out).toContain(
      '  SIGINT: 2 turns are running; waiting for the end, at most 300 s. Once more stops at once.\n',
    );
  });

  it('exits at once at a second signal', async () => {
    await using server = start('stop');
    await server.waitFor('is ready');
    server.send('SIGTERM');
    await server.waitFor('disposing');
    server.send('SIGTERM');
    expect(await server.exit).toMatchObject({ code: 1, signal: null });
  });

  it('disposes of the application without draining when an error escapes, says it in one line and exits with 1', async () => {
    await using server = start('none');
    await server.waitFor('is ready');
    server.send('SIGUSR1');
    const { code, out, err } = await server.exit;
    expect(out).toMatch(/disposing\ndisposed\n$/);
    expect(out).not.toContain('draining');
    expect({ code, err }).toEqual({ code: 1, err: 'millrace: Nobody expected this\n' });
  });

  it('says in one line why it does not start and exits with 1', async () => {
    await using server = start('start');
    expect(await server.exit).toEqual({
      code: 1,
      signal: null,
      out: '',
      err: 'millrace: The port is taken\n',
    });
  });

  it('shows the stack of a failed start when the log level is debug', async () => {
    await using server = start('start', { LOG_LEVEL: 'debug' });
    expect((await server.exit).err).toMatch(/^millrace: The port is taken\n[\s\S]*serving-process\.ts:\d+/);
  });
});
