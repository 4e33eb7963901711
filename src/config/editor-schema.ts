/** The JSON Schema of the YAML file, for editors. */
import { z } from 'zod';
import { configSchema } from './config.ts';

/** Without the words beside a value that are ours and no JSON Schema's. */
export function toEditorSchema(): Readonly<Record<string, unknown>> {
  return z.toJSONSchema(configSchema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      delete jsonSchema.expected;
      delete jsonSchema.secret;
    },
  });
}
