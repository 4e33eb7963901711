/** The settings of shields: moderation models that look at a question before it is answered. */
import { z } from 'zod';
import { IDENTIFIER, identifier, notes, text } from '../vocabulary.ts';
import { refuseRepeated } from './unique.ts';

const shieldSchema = z.strictObject({
  id: identifier.meta(notes({ description: 'The name of the shield in the API', expected: IDENTIFIER })),
  provider: identifier.optional().meta(
    notes({
      description: 'Backend that has its model; absent: the first that can moderate',
      expected: IDENTIFIER,
    }),
  ),
  model: text.describe('Moderation model that looks at the question'),
  images: z
    .enum(['judge', 'ignore'])
    .default('judge')
    .describe(
      'Whether it is shown the images of a question, too; a model that refuses images blocks the question',
    ),
  message: text
    .default('I cannot process this request due to policy restrictions.')
    .describe('The answer to a question that it blocks'),
});

export const shieldsSchema = z.array(shieldSchema).superRefine(refuseRepeated('id'));
