/** How long a viewer may stay: by a pretended clock. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Credentials } from '../../../src/auth/credentials.ts';
import { openSession, type Session } from '../../../src/auth/session.ts';
import { AppError } from '../../../src/errors.ts';
import { createNotifier } from '../../../src/lib/notifier.ts';
import type { Viewer } from '../../../src/types/viewer.ts';

const RECHECK_MS = 20_000;
const ADA: Viewer = { id: 'ada', name: 'Ada', roles: ['*', 'reader'] };
const in10Seconds = (): Date => new Date(Date.now() + 10_000);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A stay of Ada's; `answer` is what authentication says from now on. */
function stay(viewer: Viewer = ADA) {
  const controller = new AbortController();
  const ended: AppError[] = [];
  const asked: Credentials[] = [];
  const changes = createNotifier();
  const said = { answer: (): Viewer => viewer };
  const session: Session = openSession({
    authenticate: async (credentials) => {
      asked.push(credentials);
      return said.answer();
    },
    recheckMs: RECHECK_MS,
    changes,
    credentials: { headers: { authorization: ['Bearer old'] } },
    viewer,
    signal: controller.signal,
    onEnd: (error) => ended.push(error),
  });
  return { session, said, asked, ended, controller, changes };
}

const refuse = (code: 'UNAUTHENTICATED' | 'FORBIDDEN' | 'AUTH_UNAVAILABLE') => (): never => {
  throw new AppError(code, 'No');
};

describe('a stay', () => {
  it('goes on as long as the credentials hold, which is looked at again and again', async () => {
    const { asked, ended } = stay();
    await vi.advanceTimersByTimeAsync(10 * RECHECK_MS);
    expect(asked.length).toBeGreaterThanOrEqual(10);
    expect(ended).toEqual([]);
  });

  it.each(['UNAUTHENTICATED', 'FORBIDDEN'] as const)(
    'ends within one interval of a refusal: %s, once',
    async (code) => {
      const { said, asked, ended } = stay();
      said.answer = refuse(code);
      await vi.advanceTimersByTimeAsync(RECHECK_MS);
      expect(ended).toMatchObject([{ code }]);
      await vi.advanceTimersByTimeAsync(10 * RECHECK_MS);
      expect([ended.length, asked.length]).toEqual([1, 1]);
    },
  );

  it('ends within a second of a refusal when all are told to look again', async () => {
    const { said, asked, ended, changes } = stay();
    changes.notify();
    await vi.advanceTimersByTimeAsync(1_000);
    expect([asked.length, ended]).toEqual([1, []]);
    said.answer = refuse('UNAUTHENTICATED');
    changes.notify();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(ended).toMatchObject([{ code: 'UNAUTHENTICATED' }]);
    changes.notify();
    await vi.advanceTimersByTimeAsync(10 * RECHECK_MS);
    expect([ended.length, asked.length]).toEqual([1, 2]);
  });

  it('is looked at again when that is said while a look is under way', async () => {
    const { said, asked, changes } = stay();
    said.answer = () => {
      said.answer = () => ADA;
      changes.notify();
      return ADA;
    };
    await vi.advanceTimersByTimeAsync(RECHECK_MS);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(asked).toHaveLength(2);
  });

  it('ends when the token expires, without a look', async () => {
    const { asked, ended } = stay({ ...ADA, expiresAt: in10Seconds() });
    await vi.advanceTimersByTimeAsync(9_999);
    expect(ended).toEqual([]);
    await vi.advanceTimersByTimeAsync(2);
    expect(ended).toMatchObject([{ code: 'TOKEN_EXPIRED', message: 'Token has expired' }]);
    expect(asked).toEqual([]);
  });

  it('ends when a role is taken away, so that what needs it is asked for anew; not when one is given', async () => {
    const { said, ended } = stay();
    said.answer = () => ({ ...ADA, roles: ['*', 'reader', 'writer'] });
    await vi.advanceTimersByTimeAsync(RECHECK_MS);
    expect(ended).toEqual([]);
    said.answer = () => ({ ...ADA, roles: ['*', 'writer'] });
    await vi.advanceTimersByTimeAsync(RECHECK_MS);
    expect(ended).toMatchObject([{ code: 'TOKEN_EXPIRED', message: 'Roles have changed; connect again' }]);
  });

  it('ends when the credentials are of somebody else now', async () => {
    const { said, ended } = stay();
    said.answer = () => ({ ...ADA, id: 'bob' });
    await vi.advanceTimersByTimeAsync(RECHECK_MS);
    expect(ended).toMatchObject([{ code: 'UNAUTHENTICATED' }]);
  });

  it('goes on for five minutes when nobody can tell, and ends then', async () => {
    const { said, ended } = stay();
    said.answer = refuse('AUTH_UNAVAILABLE');
    await vi.advanceTimersByTimeAsync(290_000);
    expect(ended).toEqual([]);
    said.answer = () => ADA;
    await vi.advanceTimersByTimeAsync(RECHECK_MS);
    said.answer = refuse('AUTH_UNAVAILABLE');
    // Looks come at odd times: the last good one was up to an interval ago.
    await vi.advanceTimersByTimeAsync(290_000 - RECHECK_MS);
    expect(ended).toEqual([]);
    await vi.advanceTimersByTimeAsync(3 * RECHECK_MS);
    expect(ended).toMatchObject([{ code: 'AUTH_UNAVAILABLE' }]);
  });

  it('is over with its signal: nobody looks and nothing is said any more', async () => {
    const { said, asked, ended, controller } = stay({ ...ADA, expiresAt: in10Seconds() });
    said.answer = refuse('UNAUTHENTICATED');
    controller.abort();
    await vi.advanceTimersByTimeAsync(10 * RECHECK_MS);
    expect([asked, ended]).toEqual([[], []]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('a refresh', () => {
  it('lets the viewer stay as long as the new token lasts, and shows it from then on', async () => {
    const { session, said, asked, ended } = stay({ ...ADA, expiresAt: in10Seconds() });
    const later = new Date(Date.now() + 30_000);
    said.answer = () => ({ ...ADA, expiresAt: later });
    expect(await session.refresh('new')).toMatchObject({ id: 'ada', expiresAt: later });
    expect(session.viewer.expiresAt).toEqual(later);
    await vi.advanceTimersByTimeAsync(29_000);
    expect(ended).toEqual([]);
    expect(asked.at(-1)?.connectionParams).toEqual({ authorization: 'Bearer new' });
    await vi.advanceTimersByTimeAsync(1_001);
    expect(ended).toMatchObject([{ code: 'TOKEN_EXPIRED' }]);
  });

  it.each([
    ['somebody else', { id: 'bob' }, 'The token is of another viewer'],
    ['fewer roles', { roles: ['*'] }, 'The token gives fewer roles; connect again with it'],
  ])('by the token of %s is refused, and nothing has changed', async (_what, other, message) => {
    const { session, said } = stay();
    said.answer = () => ({ ...ADA, ...other });
    await expect(session.refresh('new')).rejects.toMatchObject({ code: 'FORBIDDEN', message });
    expect(session.viewer).toBe(ADA);
    expect(session.credentials.connectionParams).toBeUndefined();
  });

  it('by a token that is not accepted is refused, and the stay goes on', async () => {
    const { session, said, ended } = stay();
    said.answer = refuse('UNAUTHENTICATED');
    await expect(session.refresh('new')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    said.answer = () => ADA;
    await vi.advanceTimersByTimeAsync(2 * RECHECK_MS);
    expect(ended).toEqual([]);
  });

  it('wins over a look at the old token that is under way', async () => {
    const answers: PromiseWithResolvers<Viewer>[] = [];
    const ended: AppError[] = [];
    const session = openSession({
      authenticate: () => {
        const answer = Promise.withResolvers<Viewer>();
        answers.push(answer);
        return answer.promise;
      },
      recheckMs: RECHECK_MS,
      changes: createNotifier(),
      credentials: { headers: {} },
      viewer: ADA,
      signal: new AbortController().signal,
      onEnd: (error) => ended.push(error),
    });
    await vi.advanceTimersByTimeAsync(RECHECK_MS);
    const refreshed = session.refresh('new');
    answers[1]?.resolve(ADA);
    await refreshed;
    answers[0]?.reject(new AppError('UNAUTHENTICATED', 'No'));
    await vi.advanceTimersByTimeAsync(1);
    expect(ended).toEqual([]);
  });
});
