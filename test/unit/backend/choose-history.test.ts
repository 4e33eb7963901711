import { expect, test } from 'vitest';
import { chooseHistory, type HistoryFacts } from '../../../src/backend/choose-history.ts';

const chosen = { provider: 'openai', model: 'gpt-5' };
const stored = { ...chosen, conversationId: 'c1' };
const facts: HistoryFacts = {
  configured: 'backend',
  capabilities: { conversations: true },
  stored,
  chosen,
  hasHistory: true,
};

test.each<[string, Partial<HistoryFacts>, ReturnType<typeof chooseHistory>]>([
  ['the stored conversation goes on', {}, { conversation: 'c1' }],
  ['a new one is created', { stored: null, hasHistory: false }, 'create'],
  ['what was said elsewhere is sent', { stored: null }, 'own'],
  ['another model', { chosen: { ...chosen, model: 'gpt-4o' } }, 'own'],
  ['another provider', { chosen: { ...chosen, provider: 'ogx' } }, 'own'],
  ['not configured', { configured: 'own' }, 'own'],
  ['no such capability', { capabilities: { conversations: false } }, 'own'],
  ['not configured, new', { configured: 'own', stored: null, hasHistory: false }, 'own'],
])("the backend's conversation is used only while it knows everything: %s", (_name, change, choice) => {
  expect(chooseHistory({ ...facts, ...change })).toEqual(choice);
});
