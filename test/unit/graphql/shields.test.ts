/** The shields in the API. */
import { describe, expect, it } from 'vitest';
import type { Shields } from '../../../src/shields/shields.ts';
import { createContext, only, run } from '../../support/graphql.ts';

describe('shields', () => {
  it('are listed with their model and message', async () => {
    const listed = [
      { id: 'guard', provider: 'east', model: 'omni-moderation-latest', message: 'No.', judgesImages: true },
      { id: 'idle', provider: null, model: 'm', message: 'No.', judgesImages: true },
    ];
    const shields = only<Shields>('shields', { list: async () => listed });
    const result = await run(
      '{ shields { id provider model message judgesImages } }',
      createContext({ services: { shields } }),
    );
    expect(result).toEqual({ data: { shields: listed } });
  });
});
