/** What is shown of a tool that an MCP server offers: cleaned text of bounded size. */
import { stripVTControlCharacters } from 'node:util';
import { z } from 'zod';
import { isJsonObject, type JsonObject } from '../types/json.ts';

export interface Tool {
  readonly name: string;
  readonly description: string | null;
  /** JSON schema of its arguments, as the server wrote it; null when it has none or a huge one. */
  readonly inputSchema: JsonObject | null;
}

const MAX_NAME = 128;
const MAX_DESCRIPTION = 4_096;
const MAX_SCHEMA_CHARACTERS = 64 * 1024;
const MAX_SCHEMA_DEPTH = 32;

/** Control characters but tab and line feed, lone surrogates, and what turns the direction of writing around. */
const UNSEEN = /[[\p{Cc}\p{Cs}\u200e\u200f\u202a-\u202e\u2066-\u2069]--[\t\n]]/gv;

const entrySchema = z.object({
  name: z.string(),
  description: z.string().optional().catch(undefined),
  inputSchema: z.unknown().optional(),
});

/** Undefined for what has no name. */
export function toTool(entry: unknown): Tool | undefined {
  const parsed = entrySchema.safeParse(entry);
  const name = toLine(parsed.data?.name ?? '');
  if (!parsed.success || name === '') return undefined;
  const description = clean(parsed.data.description ?? '', MAX_DESCRIPTION);
  return {
    name,
    description: description === '' ? null : description,
    inputSchema: toSchema(parsed.data.inputSchema),
  };
}

function toLine(text: string): string {
  return clean(text.replace(/\s+/g, ' '), MAX_NAME);
}

function clean(text: string, length: number): string {
  return stripVTControlCharacters(text).replace(UNSEEN, '').trim().slice(0, length).toWellFormed();
}

function toSchema(value: unknown): JsonObject | null {
  if (!isJsonObject(value) || !isShallow(value, MAX_SCHEMA_DEPTH)) return null;
  return JSON.stringify(value).length > MAX_SCHEMA_CHARACTERS ? null : value;
}

/** Whether nothing in it stands deeper than that: a writer of JSON runs out of stack on what is nested without end. */
function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return depth > 0 && Object.values(value).every((inner) => isShallow(inner, depth - 1));
}
