/** The JSON Schema of the YAML file, for editors. */
import { z } from 'zod';
import { configSchema } from './config.ts';

/** Without the words beside a value that are ours and no JSON Schema's. What may be left to a file need not be written. */
export function toEditorSchema(): Readonly<Record<string, unknown>> {
  return z.toJSONSchema(configSchema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      delete jsonSchema.expected;
      delete jsonSchema.secret;
      const { required, properties = {} } = jsonSchema;
      if (required) jsonSchema.required = required.filter((key) => !(`${key}File` in properties));
    },
  });
}
