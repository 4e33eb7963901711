/** Who is told what the server has counted. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConfigInput } from '../../../src/config/config.ts';
import { startTestApp, type TestApp } from '../../support/app.ts';
import { followTurn, toQuestion } from '../../support/clients.ts';
import { type FakeBackend, startFakeBackend } from '../../support/fake-backend.ts';
import { stream, textResponse } from '../../support/fake-backend-script.ts';
import { readMetric } from '../../support/metrics.ts';
import { askOverHttp } from '../../support/whoami.ts';

const MONITOR = 'monitor-0123456789abcdef';
const ADA = 'ada-0123456789abcdef';

const withKeys: ConfigInput = {
  authentication: {
    module: 'api-key-token',
    apiKey: {
      keys: [
        { id: 'prometheus', roles: ['monitor'], key: MONITOR },
        { id: 'ada', key: ADA },
      ],
    },
  },
  authorization: {
    accessRules: [
      { role: '*', actions: ['INFO'] },
      { role: 'monitor', actions: ['GET_METRICS'] },
    ],
  },
};

let fake: FakeBackend;
beforeAll(async () => {
  fake = await startFakeBackend();
});
afterAll(() => fake[Symbol.asyncDispose]());

const read = (app: TestApp, key?: string): Promise<Response> =>
  fetch(`${app.url}/metrics`, { headers: key === undefined ? {} : { authorization: `Bearer ${key}` } });

describe('with a module of authentication', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startTestApp({ backend: fake.url, config: withKeys });
  });
  afterAll(() => app[Symbol.asyncDispose]());

  it('the metrics are for those who may do GET_METRICS', async () => {
    const answer = await read(app, MONITOR);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      200,
      expect.stringContaining('text/plain'),
    ]);
    expect(await answer.text()).toContain('\nmillrace_turns_running 0\n');
  });

  it.each([
    ['nobody', undefined, 401, 'UNAUTHENTICATED'],
    ['a wrong key', `${MONITOR}x`, 401, 'UNAUTHENTICATED'],
    ['somebody else', ADA, 403, 'FORBIDDEN'],
  ])('they are not for %s', async (_who, key, status, code) => {
    const answer = await read(app, key);
    expect([answer.status, await answer.json()]).toMatchObject([
      status,
      { errors: [{ extensions: { code } }] },
    ]);
  });

  it('they count how credentials were found, and of which errors clients were told', async () => {
    await askOverHttp(app, { authorization: `Bearer ${ADA}` });
    await askOverHttp(app, { authorization: 'Bearer nobody' });
    const text = await (await read(app, MONITOR)).text();
    expect(text).toMatch(/millrace_auth_duration_seconds_count\{outcome="accepted"\} [1-9]/);
    expect(text).toMatch(/millrace_auth_duration_seconds_count\{outcome="UNAUTHENTICATED"\} [1-9]/);
    expect(text).toMatch(/millrace_errors_total\{code="UNAUTHENTICATED"\} [1-9]/);
    expect(text).toMatch(/millrace_errors_total\{code="FORBIDDEN"\} [1-9]/);
  });
});

it('server.openMetrics gives them to everybody', async () => {
  const config = { ...withKeys, server: { openMetrics: true } };
  await using app = await startTestApp({ backend: fake.url, config });
  expect((await read(app)).status).toBe(200);
});

it('without authentication everybody is the one viewer, who may read them', async () => {
  await using app = await startTestApp({ backend: fake.url });
  expect((await read(app)).status).toBe(200);
});

it('events of a backend that are of an unknown type are counted, and no others', async () => {
  await using app = await startTestApp({ backend: fake.url });
  const readIgnored = () =>
    readMetric(app, 'millrace_upstream_events_ignored_total', { provider: 'fake', model: 'fake-model' });
  const whole = textResponse('Yes.');
  fake.reply(
    stream([
      { type: 'response.telepathy.delta' },
      { type: 'x' },
      ...whole.slice(0, -1),
      {},
      ...whole.slice(-1),
    ]),
  );
  for (const _ of [1, 2]) await Array.fromAsync(followTurn(app, toQuestion('Do you know?')));
  await expect.poll(() => readMetric(app, 'millrace_turns_ended_total')).toBe(2);
  expect(await readIgnored()).toBe(3);
});
