import { describe, expect, it } from 'vitest';
import {
  listLogScenarios,
  listScenarios,
  listWarmUps,
  parseOptions,
  START_STEP_MS,
  toPausedScenario,
} from '../../bench/options.ts';

describe('parseOptions', () => {
  it('follows over WebSocket, in full length and with a table, unless it is told otherwise', () => {
    expect(parseOptions([])).toEqual({
      quick: false,
      json: false,
      transport: 'ws',
      only: '',
      profile: undefined,
      paused: false,
      quotas: false,
    });
    const given = ['--quick', '--json', '--transport', 'sse', '--only', 'full', '--profile', 'profiles'];
    expect(parseOptions(given)).toEqual({
      quick: true,
      json: true,
      transport: 'sse',
      only: 'full',
      profile: 'profiles',
      paused: false,
      quotas: false,
    });
  });

  it('gives way to a question for help', () => {
    expect(parseOptions(['--quick', '--help'])).toBeUndefined();
  });

  it.each([
    [['--transport', 'udp'], /ws or sse, not "udp"/],
    [['--slow'], /--slow/],
    [['quick'], /quick/],
  ])('refuses %j', (args, message) => {
    expect(() => parseOptions(args)).toThrow(message);
  });
});

describe('toPausedScenario', () => {
  it('has 200 paused readers beside 500 others, and answers that no kernel keeps', () => {
    const { normal, readers, plan } = toPausedScenario({ quick: false });
    expect([normal.streams, readers]).toEqual([500, 200]);
    expect(plan.tokens * plan.padding).toBeGreaterThan(6 * 1024 ** 2);
    expect(toPausedScenario({ quick: true }).readers).toBeLessThan(20);
  });
});

describe('listScenarios', () => {
  it('has a paced run of 1, 100 and 500 streams at 50 tokens per second', () => {
    const paced = listScenarios({ quick: false, only: '50/s' });
    expect(paced.map(({ streams, tokensPerSecond }) => [streams, tokensPerSecond])).toEqual([
      [1, 50],
      [100, 50],
      [500, 50],
    ]);
  });

  it('has runs at full speed too, in both lengths', () => {
    for (const quick of [false, true]) {
      const fast = listScenarios({ quick, only: '' }).filter((one) => one.tokensPerSecond === null);
      expect(fast.map(({ streams }) => streams > 1)).toEqual([false, true]);
    }
  });

  it('refuses a filter that leaves nothing, and names what there is', () => {
    expect(() => listScenarios({ quick: true, only: '× 7' })).toThrow(/no scenario has "× 7".*50\/s × 1/);
  });

  it('compares the log with none at 500 streams of 50 tokens per second, in both lengths', () => {
    for (const quick of [false, true]) {
      const [first, ...more] = listLogScenarios({ quick, only: '' });
      expect(first).toMatchObject({ streams: 500, tokensPerSecond: 50 });
      expect(more).toEqual(more.map(() => first));
    }
    expect(listLogScenarios({ quick: true, only: 'full' })).toEqual([]);
    expect(listScenarios({ quick: true, only: 'log' })).toEqual([]);
  });

  it('fits into five minutes, and in short into a minute, at the planned pace on both servers', () => {
    const seconds = (quick: boolean): number =>
      [
        ...listScenarios({ quick, only: '' }),
        ...listLogScenarios({ quick, only: '' }),
        ...[...listWarmUps({ quick }), ...listWarmUps({ quick })],
      ]
        .map(({ tokens, tokensPerSecond: pace, streams }) =>
          pace === null ? (tokens * streams) / 10_000 : tokens / pace + (streams * START_STEP_MS) / 1e3,
        )
        .reduce((sum, each) => sum + 2 * each, 0);
    expect(seconds(false)).toBeLessThan(300);
    expect(seconds(true)).toBeLessThan(60);
  });
});
