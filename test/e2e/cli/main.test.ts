import { describe, expect, inject, it } from 'vitest';
import { startProcess } from '../../support/child-process.ts';
import { createDatabase, createOpenDirectory, dropDatabase } from '../../support/postgres.ts';
import { ROOT } from '../../support/source-files.ts';

const MAIN = 'src/main.ts';

describe('millrace', () => {
  it('exits with 78 and one line when the configuration is wrong', async () => {
    await using command = startProcess(MAIN, ['config', 'check'], { PORT: 'abc' });
    expect(await command.exit).toEqual({
      code: 78,
      signal: null,
      out: '',
      err: 'millrace: PORT: expected a number from 0 to 65535, got "abc"\n',
    });
  });

  it('exits with 1 and one line when the database cannot be reached, without its password', async () => {
    await using command = startProcess(MAIN, ['db', 'migrate'], {
      DATABASE_URL: 'postgres://me:hunter2@127.0.0.1:1/millrace',
    });
    const { code, err } = await command.exit;
    expect(code).toBe(1);
    expect(err).toMatch(/^millrace: [^\n]+\n$/);
    expect(err).not.toContain('hunter2');
  });

  it('migrates an empty database, imports a document into it and finds it unchanged the second time', async () => {
    const url = await createDatabase(inject('templateUrl'));
    try {
      await using migration = startProcess(MAIN, ['db', 'migrate'], { DATABASE_URL: url });
      expect(await migration.exit).toMatchObject({ code: 0, out: 'The database is up to date.\n' });
      const args = ['documents', 'import', `${ROOT}CHANGELOG.md`];
      await using first = startProcess(MAIN, args, { DATABASE_URL: url });
      expect(await first.exit).toMatchObject({ code: 0, out: expect.stringContaining('1 created') });
      await using second = startProcess(MAIN, args, { DATABASE_URL: url });
      expect(await second.exit).toMatchObject({ code: 0, out: expect.stringContaining('1 unchanged') });
    } finally {
      await dropDatabase(url);
    }
  });

  it('serves with nothing configured, until SIGTERM', async () => {
    await using directory = await createOpenDirectory();
    await using server = startProcess(MAIN, ['--port', '0', '--log-level', 'warn'], {
      MILLRACE_DATA_DIR: directory.path,
    });
    const screen = await server.waitFor('Ctrl+C');
    const [url = ''] = /http:\/\/127\.0\.0\.1:\d+\/graphql/.exec(screen) ?? [];
    const query = JSON.stringify({ query: '{ __typename }' });
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(url, { method: 'POST', headers, body: query });
    expect(await answer.json()).toEqual({ data: { __typename: 'Query' } });
    server.send('SIGTERM');
    expect(await server.exit).toMatchObject({ code: 0, err: '' });
    await expect(fetch(url, { method: 'POST', headers, body: query })).rejects.toThrow('fetch failed');
  });
});
