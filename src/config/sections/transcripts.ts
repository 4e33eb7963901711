/** The settings of transcripts: whether ended turns are written to files, where, and what is blotted out. */
import { z } from 'zod';
import { fileOf, notes, text } from '../vocabulary.ts';

const MIN_KEY_LENGTH = 16;
const MAX_PATTERN_LENGTH = 500;

const redactionSchema = z.strictObject({
  pattern: text
    .max(MAX_PATTERN_LENGTH)
    .refine(isPattern)
    .meta(
      notes({
        description: 'Regular expression, with the flags g and u, of what must not stand in a transcript',
        expected: `a regular expression of up to ${MAX_PATTERN_LENGTH} characters`,
      }),
    ),
  replacement: z.string().default('[redacted]').describe('What stands there instead; $1 is the first group'),
});

export const transcriptsSchema = z.strictObject({
  enabled: z.boolean().default(false).describe('Write a JSON file for every ended turn'),
  directory: text
    .optional()
    .describe('Folder of the transcripts; in it one folder for each viewer and conversation'),
  hmacKey: z
    .string()
    .min(MIN_KEY_LENGTH)
    .optional()
    .meta(
      notes({
        description: "Key of the hash that stands for a viewer's id in paths and transcripts",
        expected: `text of at least ${MIN_KEY_LENGTH} characters`,
        secret: true,
      }),
    ),
  hmacKeyFile: fileOf('hmacKey'),
  redactions: z
    .array(redactionSchema)
    .default([])
    .describe('What is replaced in the question, one after the other'),
});

function isPattern(pattern: string): boolean {
  try {
    return new RegExp(pattern, 'gu').global;
  } catch {
    return false;
  }
}
