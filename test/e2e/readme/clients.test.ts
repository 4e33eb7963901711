import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { startTestApp } from '../../support/app.ts';
import { getSnippets } from '../../support/readme.ts';
import { ROOT } from '../../support/source-files.ts';

const run = promisify(execFile);
const withoutSpaces = (text: string): string => text.replaceAll(/\s/g, '');

it.each(getSnippets('ts'))('the client of $place prints the answer and ends by itself', async ({ text }) => {
  await using app = await startTestApp();
  const code = text.replaceAll('127.0.0.1:4000', new URL(app.url).host);
  const options = { cwd: ROOT, timeout: 20_000 };
  const { stdout, stderr } = await run(
    process.execPath,
    ['--input-type=module-typescript', '--eval', code],
    options,
  );
  expect(stderr).toBe('');
  expect(withoutSpaces(stdout)).toContain(withoutSpaces('No language model is configured'));
  expect(withoutSpaces(stdout)).toContain(withoutSpaces('Millrace is a GraphQL server'));
});
