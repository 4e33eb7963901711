/** The shields in the API. */
import { describe, expect, it } from 'vitest';
import type { Shields } from '../../../src/shields/shields.ts';
import { createContext, only, run } from '../../support/graphql.ts';

describe('shields', () => {
  it('are listed with their model and message', async () => {
    const listed = [
      { id: 'guard', provider: 'east', model: 'omni-moderation-latest', message: 'No.' },
      { id: 'idle', provider: null, model: 'm', message: 'No.' },
    ];
    const shields = only<Shields>('shields', { list: async () => listed });
    const result = await run(
      '{ shields { id provider model message } }',
      createContext({ services: { shields } }),
    );
    expect(result).toEqual({ data: { shields: listed } });
  });
});
