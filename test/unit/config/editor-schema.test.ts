/** The JSON Schema for editors. */
import { describe, expect, it } from 'vitest';
import { toEditorSchema } from '../../../src/config/editor-schema.ts';

describe('the schema for editors', () => {
  it('describes what may be written', () => {
    expect(toEditorSchema()).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      additionalProperties: false,
      properties: {
        server: { properties: { port: { type: 'integer', default: 4000, maximum: 65_535 } } },
        backends: { items: { required: ['id', 'baseUrl'] } },
        logLevel: { enum: ['debug', 'info', 'warn', 'error', 'silent'] },
      },
    });
  });

  it('wants no secret that is left to a file', () => {
    expect(toEditorSchema()).toMatchObject({
      properties: {
        backends: { items: { properties: { entra: { required: ['tenantId', 'clientId'] } } } },
      },
    });
  });

  it('has no word that is no JSON Schema', () => {
    expect(JSON.stringify(toEditorSchema())).not.toMatch(/"(?:expected|secret)":(?!\{)/);
  });
});
