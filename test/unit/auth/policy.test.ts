import { describe, expect, it } from 'vitest';
import { createDefaultPolicy, createPolicy } from '../../../src/auth/policy.ts';
import { ACTIONS, type Action } from '../../../src/types/action.ts';

const viewer = (...roles: readonly string[]) => ({ id: 'ada', name: 'Ada', roles: ['*', ...roles] });
const NOT_BY_DEFAULT: readonly Action[] = [
  'ADMIN',
  'LIST_OTHERS_CONVERSATIONS',
  'READ_OTHERS_CONVERSATIONS',
  'QUERY_OTHERS_CONVERSATIONS',
  'DELETE_OTHERS_CONVERSATIONS',
  'CANCEL_OTHERS_TURNS',
  'SHIELD_OVERRIDE',
  'MANAGE_QUOTAS',
  'MANAGE_DOCUMENTS',
  'GET_CONFIG',
];

describe('without access rules', () => {
  it.each(ACTIONS)('everyone may do %s when it concerns nobody else', (action) => {
    const expected = !NOT_BY_DEFAULT.includes(action);
    const policy = createPolicy({ accessRules: [], localOperator: false });
    expect(policy.can(viewer('admin'), action)).toBe(expected);
    const local = action === 'MANAGE_QUOTAS' || action === 'MANAGE_DOCUMENTS';
    expect(createDefaultPolicy({ localOperator: true }).can(viewer(), action)).toBe(expected || local);
  });
});

describe('with access rules', () => {
  const policy = createPolicy({
    accessRules: [
      { role: '*', actions: ['INFO'] },
      { role: 'reader', actions: ['GET_CONVERSATION'] },
      { role: 'reader', actions: ['LIST_CONVERSATIONS'] },
      { role: 'asker', actions: ['QUERY', 'STREAMING_QUERY'] },
      { role: 'root', actions: ['ADMIN'] },
    ],
    localOperator: true,
  });
  const allowed = (...roles: readonly string[]) =>
    ACTIONS.filter((action) => policy.can(viewer(...roles), action));

  it('a viewer may do what the rules of all their roles allow together, and nothing else', () => {
    expect(allowed()).toEqual(['INFO']);
    expect(allowed('stranger')).toEqual(['INFO']);
    expect(allowed('reader')).toEqual(['GET_CONVERSATION', 'LIST_CONVERSATIONS', 'INFO']);
    expect(allowed('reader', 'asker').toSorted()).toEqual([
      'GET_CONVERSATION',
      'INFO',
      'LIST_CONVERSATIONS',
      'QUERY',
      'STREAMING_QUERY',
    ]);
  });

  it('ADMIN is everything', () => {
    expect(allowed('root')).toEqual(ACTIONS);
  });
});
