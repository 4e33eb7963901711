import { describe, expect, it } from 'vitest';
import { runProgram } from '../../../src/cli/program.ts';
import type { Environment } from '../../../src/config/environment.ts';
import { listLeaves } from '../../../src/config/outline.ts';
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

describe('millrace config print', () => {
  it('prints the effective configuration as JSON, secrets masked', async () => {
    const env = { DATABASE_URL: 'postgres://me:hunter2@db/millrace' };
    const { code, out, err } = await run(['config', 'print', '--port', '7'], env);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(JSON.parse(out)).toMatchObject({ server: { port: 7 }, database: { url: '***' } });
    expect(out).not.toContain('hunter2');
  });
});

describe('millrace config explain', () => {
  it('says of a setting what it means, what it may be, its default, its value and who set it', async () => {
    const lines = [
      'server.port',
      '  Port to listen on; 0 takes a free one',
      '  Expected  a number from 0 to 65535',
      '  Variable  PORT',
      '  Flag      --port',
      '  Default   4000',
    ];
    const explain = async (...args: readonly string[]) =>
      (await run(['config', 'explain', 'server.port', ...args], { PORT: '5' })).out.trimEnd().split('\n');
    expect(await explain()).toEqual([...lines, '  Value     5, from PORT']);
    expect(await explain('--port', '6')).toEqual([...lines, '  Value     6, from --port']);
  });

  it('tells of all settings without a path', async () => {
    const { out } = await run(['config', 'explain']);
    const named = out.split('\n\n').map((block) => block.split('\n')[0]);
    expect(named).toEqual(listLeaves().map(({ path }) => path));
  });

  it('refuses a path where there is no setting', async () => {
    expect(await run(['config', 'explain', 'serv'])).toEqual({
      code: 1,
      out: '',
      err: "millrace: there is no setting 'serv'; 'millrace config explain' tells of all\n",
    });
  });
});

describe('millrace config schema', () => {
  it('prints a JSON Schema, whatever the configuration', async () => {
    const { code, out } = await run(['config', 'schema'], { PORT: 'abc' });
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ type: 'object', properties: { server: { type: 'object' } } });
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

  it.each(['serve', 'documents import', 'config check', 'config print', 'config explain', 'db migrate'])(
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
