import { describe, expect, it } from 'vitest';
import { createPatience } from '../../../src/db/patience.ts';
import { AppError } from '../../../src/errors.ts';
import { createRecordedLog } from '../../support/recorded-log.ts';

const unreachable = (code: string) =>
  new AppError('DEPENDENCY_UNAVAILABLE', 'Unable to connect to the database', {
    cause: Object.assign(new Error(`connect ${code} 10.0.0.5:5432`), { code }),
  });

function create(timeoutMs: number, signal = new AbortController().signal) {
  const reasons: string[] = [];
  const log = createRecordedLog();
  const onWait = (reason: string): void => void reasons.push(reason);
  return { patience: createPatience({ timeoutMs, signal, log, onWait }), reasons, log };
}

/** Fails as often as there are errors, then succeeds. */
function failing(...errors: readonly unknown[]) {
  const left = [...errors];
  return async (): Promise<string> => {
    if (left.length > 0) throw left.shift();
    return 'done';
  };
}

describe('waiting for the database', () => {
  it('tries again while it cannot be reached, and says why without saying where', async () => {
    const { patience, reasons } = create(60_000);
    const step = failing(
      unreachable('ECONNREFUSED'),
      unreachable('57P03'),
      new AppError('DEPENDENCY_UNAVAILABLE', 'The database did not answer in time'),
    );
    expect(await patience.attempt(step)).toBe('done');
    expect(reasons).toEqual([
      'waiting for the database: ECONNREFUSED',
      'waiting for the database: 57P03',
      'waiting for the database: it does not answer',
    ]);
  });

  it('logs now and then, not at every try', async () => {
    const { patience, log } = create(60_000);
    await patience.attempt(failing(unreachable('ECONNREFUSED'), unreachable('ECONNREFUSED')));
    expect(log.lines).toHaveLength(1);
    expect(log.lines[0]).toMatchObject({ level: 'warn', message: 'waiting for the database: ECONNREFUSED' });
  });

  it.each([
    ['wrong credentials', unreachable('28P01')],
    ['an unknown database', unreachable('3D000')],
    ['a fault', new TypeError('x is not a function')],
  ])('gives up at once on %s', async (_name, error) => {
    const { patience, reasons } = create(60_000);
    await expect(patience.attempt(failing(error))).rejects.toBe(error);
    expect(reasons).toEqual([]);
  });

  it('gives up when the time is over, for the last reason', async () => {
    const { patience } = create(1);
    const error = unreachable('ECONNREFUSED');
    const forever = async (): Promise<never> => {
      throw error;
    };
    await expect(patience.attempt(forever)).rejects.toMatchObject({
      code: 'DEPENDENCY_UNAVAILABLE',
      message: expect.stringContaining('waiting for the database: ECONNREFUSED; check DATABASE_URL'),
      cause: error.cause,
    });
  });

  it('ends with the signal, whatever the step says', async () => {
    const stopping = new AbortController();
    const { patience } = create(60_000, stopping.signal);
    const step = async (): Promise<never> => {
      stopping.abort(new Error('told to stop'));
      throw unreachable('CONNECTION_ENDED');
    };
    await expect(patience.attempt(step)).rejects.toThrow('told to stop');
  });
});
