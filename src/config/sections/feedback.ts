/** The settings of feedback on answers. */
import { z } from 'zod';

export const feedbackSchema = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .describe('Whether feedback is taken, until an administrator switches it for all nodes'),
});
