import { expect, it } from 'vitest';
import { createSlots } from '../../../src/server/slots.ts';

it('there are as many as the limit for each, and one that is given back is free once', () => {
  const slots = createSlots(2);
  const first = slots.take('ada');
  expect(slots.take('ada')).toBeDefined();
  expect(slots.take('ada')).toBeUndefined();
  expect(slots.take('bob')).toBeDefined();
  first?.[Symbol.dispose]();
  first?.[Symbol.dispose]();
  expect(slots.take('ada')).toBeDefined();
  expect(slots.take('ada')).toBeUndefined();
});
