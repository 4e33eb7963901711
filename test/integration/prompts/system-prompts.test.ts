import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configSchema } from '../../../src/config/config.ts';
import { createSystemPrompts } from '../../../src/prompts/system-prompts.ts';
import { startProcess } from '../../support/child-process.ts';
import { createOpenDirectory } from '../../support/postgres.ts';

let folder: Awaited<ReturnType<typeof createOpenDirectory>>;
beforeAll(async () => {
  folder = await createOpenDirectory();
});
afterAll(() => folder[Symbol.asyncDispose]());

async function write(name: string, content: string | Buffer): Promise<string> {
  const path = join(folder.path, name);
  await writeFile(path, content);
  return path;
}

const create = (customization: Readonly<Record<string, string>>) =>
  createSystemPrompts(configSchema.parse({ customization }));

describe('the system prompt', () => {
  it('is the request’s, the profile’s default, the file’s, the setting’s or the built-in one, in this order', async () => {
    const profile = await write('profile.yaml', 'prompts: { default: "Of the profile.", validation: "No." }');
    const systemPromptFile = await write('prompt.txt', '\nOf the file.\n');
    const systemPrompt = 'Of the setting.';
    const all = await create({ profile, systemPromptFile, systemPrompt });
    expect(all.choose('Of the request.')).toBe('Of the request.');
    expect(all.choose(null)).toBe('Of the profile.');
    expect((await create({ systemPromptFile, systemPrompt })).choose(null)).toBe('Of the file.');
    expect((await create({ systemPrompt })).choose(null)).toBe('Of the setting.');
    expect((await create({})).choose(null)).toBe('You are a helpful assistant');
  });

  it('is not the profile’s when that has no default', async () => {
    const profile = await write('other.json', '{"prompts": {"validation": "No."}, "name": "x"}');
    expect((await create({ profile, systemPrompt: 'Mine.' })).choose(null)).toBe('Mine.');
  });

  it.each([
    ['is empty', 'systemPromptFile', ' \n', /is empty$/],
    ['is too large', 'systemPromptFile', 'x'.repeat(262_145), /at most 262144 bytes$/],
    ['is not UTF-8', 'systemPromptFile', Buffer.from([0xff, 0x41]), /UTF-8/],
    ['has a NUL character', 'systemPromptFile', 'a\0b', /NUL/],
    ['is no YAML', 'profile', '{', /mapping "prompts"/],
    ['has no prompts', 'profile', 'prompts: [a]', /mapping "prompts"/],
    ['has an empty prompt', 'profile', 'prompts: { default: "" }', /mapping "prompts"/],
  ])('is refused at the start when its file %s', async (_what, setting, content, problem) => {
    const path = await write('wrong', content);
    await expect(create({ [setting]: path })).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
      message: expect.stringMatching(problem),
    });
    await expect(create({ [setting]: path })).rejects.toThrow(`customization.${setting}: "${path}"`);
  });

  it('is refused when its file is a folder', async () => {
    await expect(create({ systemPromptFile: folder.path })).rejects.toThrow(/must be a file/);
  });

  it('ends the command with 78 and one line when its file is not there', async () => {
    const yaml = await write('millrace.yaml', 'customization: { systemPromptFile: nowhere.txt }\n');
    await using command = startProcess('src/main.ts', ['config', 'check', '--config', yaml]);
    const { code, err } = await command.exit;
    expect(code).toBe(78);
    expect(err).toMatch(
      /^millrace: customization\.systemPromptFile: "[^\n]*nowhere\.txt" cannot be read \(ENOENT\)\n$/,
    );
  });
});
