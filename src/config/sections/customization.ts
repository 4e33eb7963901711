/** The part of the configuration that says how the model is instructed. */
import { z } from 'zod';
import { notes, text } from '../vocabulary.ts';

const HOST = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;

export const customizationSchema = z.strictObject({
  profile: text
    .optional()
    .describe('YAML or JSON file with `prompts`, a mapping; its `default` is the system prompt'),
  systemPromptFile: text
    .optional()
    .describe('File with the system prompt of requests that bring none, unless the profile has one'),
  systemPrompt: text.optional().describe('System prompt of requests that bring none, unless a file has one'),
  linkHosts: z
    .array(
      z
        .string()
        .regex(HOST)
        .meta(notes({ expected: 'a host name such as docs.example.com' })),
    )
    .default([])
    .describe('Hosts, their sub-domains included, to which answers may link; links to others are told'),
  disableQuerySystemPrompt: z.boolean().default(false).describe('Refuse system prompts in requests'),
});
