/** What the sections of the configuration are written with: notes beside a value, and kinds of values that several sections have. */
import { z } from 'zod';

/** What a value may be, in words, where its JSON schema does not say it; and whether it is ever shown. */
interface Notes {
  readonly description?: string;
  readonly expected?: string;
  /** Never shown. A sibling key of the same name with `File` behind it names a file that holds the value. */
  readonly secret?: true;
}

export const notes = (meta: Notes): Record<string, unknown> => ({ ...meta });

export const milliseconds = (fallback: number) => z.int().min(1).max(2_147_483_647).default(fallback);
export const text = z.string().min(1);
/** The key beside a secret one that leaves it to a file. */
export const fileOf = (key: string) => text.optional().describe(`File that holds \`${key}\``);
export const identifier = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/);
export const IDENTIFIER = 'a name of up to 64 letters, digits, "_", "." and "-"';
export const httpUrl = z.url({ protocol: /^https?$/ });
export const HTTP_URL = 'an http:// or https:// URL';
