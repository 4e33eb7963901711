import { describe, expect, it } from 'vitest';
import { runProgram } from '../../../src/cli/program.ts';
import type { Environment } from '../../../src/config/environment.ts';
import { SETTINGS } from '../../../src/config/settings.ts';

async function run(args: readonly string[], env: Environment = {}) {
  let out = '';
  let err = '';
  const code = await runProgram(args, {
    env,
    cwd: '/',
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
  });
  return { code, out, err };
}

describe('millrace config check', () => {
  it('says ok', async () => {
    expect(await run(['config', 'check', '--port', '0'])).toEqual({ code: 0, out: 'ok\n', err: '' });
  });

  it('says in one line what is wrong, and exits with 78', async () => {
    expect(await run(['config', 'check'], { PORT: 'abc' })).toEqual({
      code: 78,
      out: '',
      err: 'millrace: PORT: expected a number from 0 to 65535, got "abc"\n',
    });
  });

  it('lets a flag win over the environment', async () => {
    expect((await run(['config', 'check', '--port', '0'], { PORT: 'abc' })).code).toBe(0);
  });
});

describe('the command line', () => {
  it('serves when no command is given', async () => {
    expect(await run(['--port', 'abc'])).toMatchObject({
      code: 78,
      err: expect.stringContaining('--port: '),
    });
  });

  it('refuses a command that does not exist and names those that do', async () => {
    expect(await run(['frobnicate'])).toEqual({
      code: 1,
      out: '',
      err: "millrace: unknown command 'frobnicate', the commands are help, serve, documents, config, db\n",
    });
  });

  it('refuses a flag that does not exist and proposes one', async () => {
    const { code, err } = await run(['serve', '--prot', '1']);
    expect(code).toBe(1);
    expect(err).toMatch(/^millrace: unknown option '--prot'\n\(Did you mean --port\?\)/);
  });

  it.each(['serve', 'documents import', 'config check', 'db migrate'])(
    '%s takes every setting as a flag',
    async (command) => {
      const { code, out } = await run([...command.split(' '), '--help']);
      expect(code).toBe(0);
      for (const { flag, env } of SETTINGS) {
        expect(out).toContain(`--${flag} <`);
        expect(out).toContain(`[${env}]`);
      }
    },
  );

  it('tells its version', async () => {
    expect((await run(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
