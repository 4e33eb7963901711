/** What the page on moving says of metrics: each is counted by a running server after a few turns. */
import { afterAll, beforeAll, expect } from 'vitest';
import { status } from '../../support/fake-backend-script.ts';
import { ask, type Check, describeTable, type MovingApp, startMovingApp } from '../../support/moving.ts';

let moving: MovingApp;
let metrics: string;
beforeAll(async () => {
  moving = await startMovingApp();
  await ask(moving.app, {});
  expect((await ask(moving.app, { query: 'This is forbidden.' })).turn.answer).toBe('That is not for me.');
  moving.fake.reply(status(400, { error: { message: 'no' } }));
  expect((await ask(moving.app, {})).turn.status).toBe('FAILED');
  await fetch(`${moving.app.url}/graphql`, { method: 'POST' });
  metrics = await (await fetch(`${moving.app.url}/metrics`)).text();
});
afterAll(() => moving[Symbol.asyncDispose]());

const listSamples = (name: string): readonly string[] =>
  metrics.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));

/** Whether something has been counted; of a histogram, how often. */
const isCounted = (name: string): boolean =>
  [...listSamples(name), ...listSamples(`${name}_count`)].some((line) => Number(line.split(' ').at(-1)) > 0);

/** Old names and new ones are counted, and the old ones have these labels. */
const areCounted =
  (labels: Readonly<Record<string, readonly string[]>>): Check =>
  ({ old, claimed }) => {
    const names = [...old, ...claimed].filter((code) => /^(ls|millrace)_/.test(code));
    expect(names.length).toBeGreaterThan(0);
    expect(names.filter((name) => !isCounted(name))).toEqual([]);
    expect(Object.keys(labels)).toEqual(old);
    expect(Object.fromEntries(old.map((name) => [name, listLabels(name)]))).toEqual(labels);
    return [names, labels];
  };

function listLabels(name: string): readonly string[] {
  const [sample = ''] = [...listSamples(name), ...listSamples(`${name}_count`)];
  return [...sample.matchAll(/(\w+)="/g)].map(([, label = '']) => label);
}

const isAbsent =
  (...names: readonly string[]): Check =>
  () => {
    expect(names.filter((name) => metrics.includes(name))).toEqual([]);
    return names;
  };

const MODEL = ['provider', 'model'];

describeTable('Which metric is which?', {
  'ls_rest_api_calls_total, ls_response_duration_seconds': areCounted({
    ls_rest_api_calls_total: ['path', 'status_code'],
    ls_response_duration_seconds: ['path'],
  }),
  'ls_llm_calls_total, ls_llm_calls_failures_total': areCounted({
    ls_llm_calls_total: MODEL,
    ls_llm_calls_failures_total: MODEL,
  }),
  'ls_llm_token_sent_total, ls_llm_token_received_total': areCounted({
    ls_llm_token_sent_total: MODEL,
    ls_llm_token_received_total: MODEL,
  }),
  ls_llm_validation_errors_total: areCounted({ ls_llm_validation_errors_total: [] }),
  ls_llm_inference_duration_seconds: (row) => {
    isAbsent('ls_llm_inference_duration_seconds')(row);
    return areCounted({})(row);
  },
  ls_provider_model_configuration: isAbsent('ls_provider_model_configuration'),
  'ls_auth_attempts_total, ls_auth_duration_seconds, ls_authorization_checks_total, ls_authorization_duration_seconds, ls_quota_checks_total, ls_quota_check_duration_seconds':
    (row) => {
      isAbsent('ls_auth', 'ls_quota')(row);
      return areCounted({})(row);
    },
});
