/** What is counted keeps to a number of series that a Prometheus can bear. */
import { expect, it } from 'vitest';
import { createMetrics } from '../../src/metrics.ts';

const USAGE = { inputTokens: 1, outputTokens: 2, source: 'REPORTED' } as const;

it('a hundred models have labels of their own, ten thousand more are counted together', async () => {
  const metrics = createMetrics();
  const count = (index: number) => {
    const labels = { provider: 'p', model: `m${index}` };
    metrics.turnStarted(labels);
    metrics.firstToken(labels, 5);
    metrics.upstreamIgnored(labels, 1);
    metrics.turnReaped(labels);
    metrics.turnEnded(labels, { status: 'COMPLETED', reason: 'STOP', durationMs: 10, usage: USAGE });
  };
  for (let index = 0; index < 10_100; index += 1) count(index);
  count(0);
  const { values } = (await metrics.registry.getSingleMetric('millrace_turns_started_total')?.get()) ?? {
    values: [],
  };
  const byModel = new Map(values.map(({ labels, value }) => [labels.model, value]));
  expect(byModel.size).toBe(101);
  expect([byModel.get('m0'), byModel.get('m99'), byModel.get('other')]).toEqual([2, 1, 10_000]);
  expect((await metrics.registry.metrics()).split('\n').length).toBeLessThan(10_000);
});
