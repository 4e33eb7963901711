import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { startTestApp } from '../../support/app.ts';
import { startProcess } from '../../support/child-process.ts';
import { createTestDatabase } from '../../support/database.ts';
import { createOpenDirectory } from '../../support/postgres.ts';
import {
  getSnippets,
  listCodeSpans,
  listPages,
  type ShellCommand,
  toCommands,
} from '../../support/readme.ts';
import { ROOT } from '../../support/source-files.ts';

const MAIN = 'src/main.ts';
const SECRETS = '/run/secrets';
const shell = promisify(execFile);

const snippets = getSnippets('sh');
const isCurl = ({ text }: { readonly text: string }): boolean => text.startsWith('curl ');
const commands = snippets
  .filter((snippet) => !isCurl(snippet))
  .flatMap((snippet) =>
    toCommands(snippet).map((command) => ({
      ...command,
      line: command.words.join(' '),
      place: snippet.place,
    })),
  );
const yaml = getSnippets('yaml').find(({ text }) => text.includes('defaultModel:'));

/** A folder with the files that the pages name. */
async function createWorkingFolder() {
  const folder = await createOpenDirectory();
  await mkdir(join(folder.path, 'secrets'));
  await writeFile(join(folder.path, 'millrace.yaml'), yaml?.text ?? '');
  await writeFile(join(folder.path, 'secrets', 'database'), 'postgres://localhost/millrace\n');
  return folder;
}

describe('curl', () => {
  it.each(snippets.filter(isCurl))('of $place is answered as the page says', async ({ text, json }) => {
    await using app = await startTestApp();
    const command = text.replaceAll('127.0.0.1:4000', new URL(app.url).host);
    const { stdout } = await shell('sh', ['-c', command], { timeout: 20_000 });
    if (json === undefined) {
      expect(stdout).toContain('"__typename":"EndEvent"');
      expect(stdout).toMatch(/event: complete\ndata:\n\n$/);
      return;
    }
    const masked = (answer: string) => JSON.parse(answer.replace(/[0-9a-f]{8}(-[0-9a-f]{4,12}){4}/g, 'ID'));
    expect(masked(stdout)).toEqual(masked(json));
  });
});

describe('npm', () => {
  it('is all that is called beside curl', () => {
    expect(commands.length).toBeGreaterThan(8);
    expect(commands.filter(({ words }) => words[0] !== 'npm').map(({ line }) => line)).toEqual([]);
  });

  it('runs scripts that exist', async () => {
    const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
    const known = new Set(['ci', ...Object.keys(scripts)]);
    const inBlocks = commands.map(({ words: [, word, name] }) => (word === 'run' ? name : word) ?? '');
    const inProse = listPages()
      .flatMap(listCodeSpans)
      .flatMap((span) => /^npm (?:run )?([\w:]+)/.exec(span)?.[1] ?? []);
    expect(inProse).toContain('dev');
    expect([...inBlocks, ...inProse].filter((name) => !known.has(name))).toEqual([]);
  });

  it.each(commands.filter(isServing))(
    '$line of $place: its variables are a valid configuration',
    async (command) => {
      await using folder = await createWorkingFolder();
      const env = Object.fromEntries(
        Object.entries(command.env).map(([name, value]) => [name, value.replace(SECRETS, 'secrets')]),
      );
      const config = loadConfig({ env, flags: {}, cwd: folder.path });
      const isForBackend = Object.keys(env).some((name) => /^OPENAI_|^MILLRACE_CONFIG$/.test(name));
      expect(config.backends.length > 0).toBe(isForBackend);
      expect(config.inference.defaultModel !== undefined).toBe(isForBackend);
    },
  );

  it.each(commands.filter(({ words }) => words[2] === '--'))(
    '$line of $place does its work',
    async ({ words }) => {
      await using folder = await createWorkingFolder();
      await using database = await createTestDatabase();
      const args = words.slice(3).map((word) => (word === 'millrace.yaml' ? join(folder.path, word) : word));
      await using command = startProcess(MAIN, args, { DATABASE_URL: database.url });
      expect(await command.exit).toMatchObject({ code: 0, err: '' });
    },
  );
});

function isServing({ words }: ShellCommand): boolean {
  return words.join(' ') === 'npm start';
}

describe('the screen at the start', () => {
  it('is the one that the README shows', async () => {
    const [shown] = getSnippets('text');
    await using directory = await createOpenDirectory();
    await using server = startProcess(MAIN, ['--port', '0'], {
      MILLRACE_DATA_DIR: directory.path,
      LOG_LEVEL: 'silent',
    });
    const screen = await server.waitFor('Ctrl+C');
    const asShown = screen
      .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:4000')
      .replace(directory.path, '/srv/millrace/.millrace');
    expect(asShown.trim()).toBe(shown?.text.trim());
    server.send('SIGTERM');
    expect(await server.exit).toMatchObject({ code: 0, err: '' });
  });
});
