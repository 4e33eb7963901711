/** Which shields a question has to pass, and what they say. */
import { describe, expect, it } from 'vitest';
import type { Backend, BackendRegistry } from '../../../src/backend/backend.ts';
import { configSchema } from '../../../src/config/config.ts';
import { AppError } from '../../../src/errors.ts';
import { createLog } from '../../../src/log.ts';
import { createMetrics } from '../../../src/metrics.ts';
import { createShields } from '../../../src/shields/shields.ts';
import { ALL_CAPABILITIES, createListingBackend } from '../../support/backends.ts';

const { signal } = new AbortController();
const MESSAGE = 'I cannot process this request due to policy restrictions.';

const createBackend = (id: string, values: Partial<Backend> = {}): Backend => ({
  ...createListingBackend(id, []),
  ...values,
});

const plain = createBackend('plain', {
  capabilities: async () => ({ ...ALL_CAPABILITIES, moderations: false }),
});

function createTestShields(shields: readonly object[], ...backends: readonly Backend[]) {
  const registry: BackendRegistry = { backends, find: (id) => backends.find((backend) => backend.id === id) };
  const metrics = createMetrics();
  const config = configSchema.parse({ shields });
  return { metrics, ...createShields({ config, registry, log: createLog('silent'), metrics }) };
}

/** A backend whose moderation models flag a text that holds their own name; it keeps what they were asked. */
function createModerator(id: string) {
  const asked: string[] = [];
  const backend = createBackend(id, {
    async moderate(model, input) {
      const shown = typeof input === 'string' ? input : input.base64;
      asked.push(`${model}: ${shown}`);
      return { flagged: shown.includes(model), categories: [] };
    },
  });
  return { asked, backend };
}

const CONFIGURED = [
  { id: 'first', provider: 'east', model: 'violence', message: 'No violence.' },
  { id: 'second', model: 'secrets' },
];

describe('choose', () => {
  const east = createBackend('east');

  it('takes every configured shield, in configured order, when the request names none', async () => {
    const { choose } = createTestShields(CONFIGURED, plain, east);
    expect(await choose({ shieldIds: null }, plain, signal)).toEqual([
      { id: 'first', provider: 'east', model: 'violence', message: 'No violence.', judgesImages: true },
      { id: 'second', provider: 'east', model: 'secrets', message: MESSAGE, judgesImages: true },
    ]);
  });

  it('takes the named ones, in configured order', async () => {
    const { choose } = createTestShields([...CONFIGURED, { id: 'third', model: 'more' }], east);
    const chosen = await choose({ shieldIds: ['third', 'first', 'third'] }, east, signal);
    expect(chosen.map(({ id }) => id)).toEqual(['first', 'third']);
  });

  it('takes none for an empty list, and asks nobody', async () => {
    const away = createBackend('away', { listShields: () => Promise.reject(new Error('asked')) });
    const { choose } = createTestShields(CONFIGURED, away);
    expect(await choose({ shieldIds: [] }, away, signal)).toEqual([]);
  });

  it('an unknown id is NOT_FOUND', async () => {
    const { choose } = createTestShields(CONFIGURED, east);
    await expect(choose({ shieldIds: ['first', 'other'] }, east, signal)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'Shield not found',
      details: { explanation: 'Shield with ID other is not configured' },
    });
  });

  it("adds the backend's own shields, of which a configured one of the same id takes the place", async () => {
    const own = createBackend('own', {
      listShields: async () => [
        { id: 'first', model: 'guard' },
        { id: 'guard', model: null },
      ],
    });
    const { choose } = createTestShields(CONFIGURED.slice(0, 1), own);
    expect(await choose({ shieldIds: null }, own, signal)).toEqual([
      { id: 'first', provider: 'east', model: 'violence', message: 'No violence.', judgesImages: true },
      { id: 'guard', provider: 'own', model: 'guard', message: MESSAGE, judgesImages: true },
    ]);
  });

  it("refuses when the backend's own shields cannot be listed", async () => {
    const away = createBackend('away', {
      listShields: () => Promise.reject(new AppError('BACKEND_UNAVAILABLE', 'away')),
    });
    const { choose } = createTestShields([], away);
    await expect(choose({ shieldIds: null }, away, signal)).rejects.toMatchObject({
      code: 'BACKEND_UNAVAILABLE',
    });
  });

  it('refuses when no backend can moderate', async () => {
    const { choose } = createTestShields([{ id: 'second', model: 'secrets' }], plain);
    await expect(choose({ shieldIds: null }, plain, signal)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'Shield model not found',
    });
  });
});

describe('run', () => {
  it('lets pass what no shield flags, after asking each in order', async () => {
    const { asked, backend } = createModerator('east');
    const { choose, run } = createTestShields(CONFIGURED, backend);
    const chosen = await choose({ shieldIds: null }, backend, signal);
    expect(await run(chosen, 'Why?', signal)).toEqual({ blocked: false });
    expect(asked).toEqual(['violence: Why?', 'secrets: Why?']);
  });

  it('blocks with the message of the first that flags, asks no further one, and counts a violation', async () => {
    const { asked, backend } = createModerator('east');
    const { choose, run, metrics } = createTestShields(CONFIGURED, backend);
    const chosen = await choose({ shieldIds: null }, backend, signal);
    const verdict = await run(chosen, 'violence and secrets', signal);
    expect(verdict).toEqual({ blocked: true, shieldId: 'first', message: 'No violence.' });
    expect(asked).toHaveLength(1);
    const counted = await metrics.registry.metrics();
    expect(counted).toContain('millrace_shield_violations_total{shield="first"} 1');
    expect(counted).toContain('ls_llm_validation_errors_total 1');
  });

  const image = (base64: string) => ({ type: 'image', mediaType: 'image/png', base64 }) as const;

  it('judges the text and each image by itself, and the first that is flagged blocks', async () => {
    const { asked, backend } = createModerator('east');
    const { choose, run } = createTestShields(CONFIGURED, backend);
    const chosen = await choose({ shieldIds: null }, backend, signal);
    const question = [
      { type: 'text', text: 'Why?' } as const,
      image('fine'),
      image('violence'),
      image('more'),
    ];
    expect(await run(chosen, question, signal)).toMatchObject({ blocked: true, shieldId: 'first' });
    expect(asked).toEqual(['violence: Why?', 'violence: fine', 'violence: violence']);
  });

  it('shows a shield that ignores images the text alone', async () => {
    const { asked, backend } = createModerator('east');
    const { choose, run } = createTestShields([{ id: 'texts', model: 'secrets', images: 'ignore' }], backend);
    const chosen = await choose({ shieldIds: null }, backend, signal);
    const question = [{ type: 'text', text: 'Why?' } as const, image('secrets')];
    expect(await run(chosen, question, signal)).toEqual({ blocked: false });
    expect(asked).toEqual(['secrets: Why?']);
  });

  it('passes without shields', async () => {
    expect(await createTestShields([]).run([], 'Why?', signal)).toEqual({ blocked: false });
  });

  const shield = { id: 'guard', provider: 'east', model: 'guard', message: MESSAGE, judgesImages: true };
  const runFailing = (error: unknown) => {
    const backend = createBackend('east', { moderate: () => Promise.reject(error) });
    return createTestShields([], backend).run([shield], 'Why?', signal);
  };

  it('a model that the backend lacks is NOT_FOUND', async () => {
    await expect(runFailing(new AppError('NOT_FOUND', 'no such model'))).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'Shield model not found',
      details: { explanation: 'Shield model with ID guard does not exist at east' },
    });
  });

  it.each([
    new AppError('BACKEND_TIMEOUT', 'late'),
    new AppError('RATE_LIMITED', 'slow down'),
    new AppError('BACKEND_PROTOCOL', 'nonsense'),
    new Error('ECONNRESET sk-secret'),
  ])('any other failure blocks as BACKEND_UNAVAILABLE: %s', async (error) => {
    await expect(runFailing(error)).rejects.toMatchObject({
      code: 'BACKEND_UNAVAILABLE',
      message: 'The question could not be checked',
      details: { explanation: 'Shield guard gave no verdict' },
    });
  });

  it('a backend that is gone is NOT_FOUND', async () => {
    await expect(createTestShields([]).run([shield], 'Why?', signal)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'Shield model not found',
    });
  });

  it("rejects with the signal's reason once nobody waits", async () => {
    const controller = new AbortController();
    const backend = createBackend('east', {
      async moderate(_model, _input, given) {
        controller.abort(new Error('cancelled'));
        given.throwIfAborted();
        return { flagged: false, categories: [] };
      },
    });
    const running = createTestShields([], backend).run([shield], 'Why?', controller.signal);
    await expect(running).rejects.toThrow('cancelled');
  });
});

describe('list', () => {
  it('lists the configured ones, then those of backends that can be reached', async () => {
    const own = createBackend('own', { listShields: async () => [{ id: 'guard', model: 'g' }] });
    const away = createBackend('away', {
      listShields: () => Promise.reject(new AppError('BACKEND_UNAVAILABLE', 'away')),
    });
    const { list } = createTestShields(CONFIGURED.slice(1), away, own);
    expect(await list(signal)).toEqual([
      { id: 'second', provider: 'away', model: 'secrets', message: MESSAGE, judgesImages: true },
      { id: 'guard', provider: 'own', model: 'g', message: MESSAGE, judgesImages: true },
    ]);
  });

  it('shows a shield that nobody can ask', async () => {
    const { list } = createTestShields([{ id: 'second', model: 'secrets' }], plain);
    expect(await list(signal)).toEqual([
      { id: 'second', provider: null, model: 'secrets', message: MESSAGE, judgesImages: true },
    ]);
  });
});
