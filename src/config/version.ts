/** The version of Millrace, from its package.json. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';

const MANIFEST = new URL('../../package.json', import.meta.url);

export function readVersion(): string {
  return z.object({ version: z.string() }).parse(JSON.parse(readFileSync(MANIFEST, 'utf8'))).version;
}
