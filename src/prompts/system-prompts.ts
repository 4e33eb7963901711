/** The instructions to the model: which of those that requests, files and settings bring is sent. */
import { readFile, stat } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import type { Config } from '../config/config.ts';
import { toConfigError } from '../config/problems.ts';
import { isStorable } from '../lib/text.ts';

export interface SystemPrompts {
  /** The request's own prompt, the profile's, the file's, the setting's, or the built-in one: the first that is there. */
  choose(requested: string | null): string;
}

const BUILT_IN = 'You are a helpful assistant';
const MAX_FILE_BYTES = 256 * 1024;

const profileSchema = z.looseObject({ prompts: z.record(z.string(), z.string().trim().min(1)) });

/** Reads the files that the configuration names. Throws a configuration error of one line when one is not acceptable. */
export async function createSystemPrompts({
  customization,
}: Pick<Config, 'customization'>): Promise<SystemPrompts> {
  const { profile, systemPromptFile, systemPrompt } = customization;
  const ofProfile = profile === undefined ? undefined : await readProfile(profile);
  const ofFile = systemPromptFile === undefined ? undefined : await readPrompt(systemPromptFile);
  const configured = ofProfile ?? ofFile ?? systemPrompt ?? BUILT_IN;
  return { choose: (requested) => requested ?? configured };
}

async function readPrompt(path: string): Promise<string> {
  const setting = 'customization.systemPromptFile';
  const prompt = (await readText(setting, path)).trim();
  if (prompt === '') throw toConfigError(setting, `${JSON.stringify(path)} is empty`);
  return prompt;
}

/** The profile's default prompt, when it has one. */
async function readProfile(path: string): Promise<string | undefined> {
  const setting = 'customization.profile';
  const text = await readText(setting, path);
  const parsed = profileSchema.safeParse(parseYaml(text));
  if (parsed.success) return parsed.data.prompts.default;
  throw toConfigError(
    setting,
    `${JSON.stringify(path)} must be YAML or JSON with a mapping "prompts" from names to texts`,
  );
}

/** Undefined when it is not YAML, of which JSON is a part. */
function parseYaml(text: string): unknown {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}

async function readText(setting: string, path: string): Promise<string> {
  const refuse = (problem: string) => toConfigError(setting, `${JSON.stringify(path)} ${problem}`);
  const bytes = await readWithin(path).catch((error: NodeJS.ErrnoException) => {
    throw refuse(`cannot be read (${error.code ?? error.message})`);
  });
  if (bytes === undefined) throw refuse(`must be a file of at most ${MAX_FILE_BYTES} bytes`);
  const text = decode(bytes);
  if (text === undefined || !isStorable(text)) throw refuse('must be text in UTF-8 without NUL characters');
  return text;
}

/** Undefined when it is too large, or no file. */
async function readWithin(path: string): Promise<Buffer | undefined> {
  const facts = await stat(path);
  return facts.isFile() && facts.size <= MAX_FILE_BYTES ? readFile(path) : undefined;
}

function decode(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
