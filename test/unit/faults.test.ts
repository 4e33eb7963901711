import { describe, expect, it } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import { createFaults, FAULT_POINTS, type Fault, parseFaults } from '../../src/faults.ts';

describe('MILLRACE_FAULTS', () => {
  it('asks for nothing when it is absent or empty, in every mode', () => {
    expect(parseFaults(undefined, 'production')).toBeUndefined();
    expect(parseFaults('', 'development')).toBeUndefined();
  });

  it('names points, actions and hits', () => {
    expect(
      parseFaults('seal:after=kill@3, flush:before=delay:200@2+,accept:within=throw', 'development'),
    ).toEqual([
      { point: 'seal:after', action: { kind: 'kill' }, hit: 3, onwards: false },
      { point: 'flush:before', action: { kind: 'delay', ms: 200 }, hit: 2, onwards: true },
      { point: 'accept:within', action: { kind: 'throw' }, hit: 1, onwards: false },
    ] satisfies readonly Fault[]);
  });

  it.each(FAULT_POINTS)('knows %s', (point) => {
    expect(parseFaults(`${point}=pause@7`, 'development')).toMatchObject([{ point, hit: 7 }]);
  });

  it.each([
    'seal=kill',
    'seal:after',
    'seal:after=kill@0',
    'seal:after=explode',
    'seal:after=delay',
    ' ',
    'a,b',
  ])('refuses %j and says what it should look like', (text) => {
    expect(() => parseFaults(text, 'development')).toThrow(
      /^MILLRACE_FAULTS: expected POINT=ACTION@HIT, [^\n]+$/,
    );
  });

  it.each(['serve', 'config'])(
    'is refused by %s with one line and exit code 78: unknown points, and production',
    async (command) => {
      const run = async (env: Readonly<Record<string, string>>) => {
        let err = '';
        const args = command === 'config' ? ['config', 'check'] : [command];
        const out = (): void => {};
        const code = await runProgram(args, { env, cwd: '/', out, err: (text) => (err += text) });
        return { code, err };
      };
      expect(await run({ MILLRACE_FAULTS: 'seal:later=kill' })).toEqual({
        code: 78,
        err: expect.stringMatching(
          /^millrace: MILLRACE_FAULTS: there is no fault point "seal:later", there are accept:before, [^\n]+\n$/,
        ),
      });
      expect(await run({ MILLRACE_FAULTS: 'seal:after=kill', MILLRACE_MODE: 'production' })).toEqual({
        code: 78,
        err: 'millrace: MILLRACE_FAULTS: is for tests; production mode refuses it\n',
      });
    },
  );
});

describe('a fault', () => {
  const strikes = async (text: string, hits: number): Promise<readonly boolean[]> => {
    const faults = createFaults(parseFaults(text, 'development') ?? []);
    const struck: boolean[] = [];
    for (let hit = 0; hit < hits; hit++) {
      struck.push(
        await faults.reach('seal:after').then(
          () => false,
          () => true,
        ),
      );
    }
    return struck;
  };

  it('strikes the hit that it names, and no other', async () => {
    expect(await strikes('seal:after=throw@2', 4)).toEqual([false, true, false, false]);
  });

  it('strikes every hit from there on when it says so', async () => {
    expect(await strikes('seal:after=throw@3+', 4)).toEqual([false, false, true, true]);
  });

  it('strikes no other point', async () => {
    expect(await strikes('seal:before=throw@1+', 2)).toEqual([false, false]);
  });

  it('throws what a lost database throws', async () => {
    const faults = createFaults(parseFaults('flush:before=throw', 'development') ?? []);
    await expect(faults.reach('flush:before')).rejects.toMatchObject({ code: 'DEPENDENCY_UNAVAILABLE' });
  });
});
