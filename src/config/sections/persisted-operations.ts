/** The settings of persisted operations: documents that clients name instead of sending them. */
import { z } from 'zod';
import { text } from '../vocabulary.ts';

export const persistedOperationsSchema = z.strictObject({
  mode: z
    .enum(['off', 'allow', 'require'])
    .default('off')
    .describe('Whether clients may name operations of the manifest, or must'),
  manifest: text
    .optional()
    .describe('JSON file with the operations: a manifest of Apollo, or a mapping from ids to documents'),
});
