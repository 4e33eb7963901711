import { describe, expect, it } from 'vitest';
import { configSchema } from '../../../src/config/config.ts';
import type { Environment } from '../../../src/config/environment.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { SETTINGS } from '../../../src/config/settings.ts';
import { isAppError } from '../../../src/errors.ts';

const load = (env: Environment, flags: Readonly<Record<string, string>> = {}) =>
  loadConfig({ env, flags, cwd: '/srv/millrace' });

const complaint = (env: Environment, flags?: Readonly<Record<string, string>>): string => {
  try {
    load(env, flags);
  } catch (error) {
    if (isAppError(error, 'BAD_USER_INPUT')) return error.message;
    throw error;
  }
  return 'no complaint';
};

const KEY = 'sk-secret-1234';

describe('loadConfig', () => {
  it('serves on loopback in development, with the built-in database and responder, when nothing is set', () => {
    expect(load({})).toMatchObject({
      mode: 'development',
      server: { host: '127.0.0.1', port: 4000, allowedOrigins: [] },
      database: { poolSize: 10 },
      dataDir: '/srv/millrace/.millrace',
      logLevel: 'info',
      backends: [],
      inference: {},
    });
    expect(load({}).database.url).toBeUndefined();
  });

  it('takes every setting from its environment variable', () => {
    const config = load({
      HOST: '0.0.0.0',
      PORT: '8080',
      MILLRACE_MODE: 'development',
      MILLRACE_AUTH_MODULE: 'k8s',
      ALLOWED_ORIGINS: 'https://a.example.com, http://localhost:3000,',
      DATABASE_URL: 'postgres://me:pw@db/millrace',
      MILLRACE_DATA_DIR: '/var/lib/millrace',
      LOG_LEVEL: 'warn',
      OPENAI_API_KEY: KEY,
      OPENAI_BASE_URL: 'http://llm:8321/v1',
      OPENAI_MODEL: 'granite',
    });
    expect(config).toMatchObject({
      mode: 'development',
      server: {
        host: '0.0.0.0',
        port: 8080,
        allowedOrigins: ['https://a.example.com', 'http://localhost:3000'],
      },
      authentication: { module: 'k8s' },
      database: { url: 'postgres://me:pw@db/millrace' },
      dataDir: '/var/lib/millrace',
      logLevel: 'warn',
      backends: [{ id: 'openai', baseUrl: 'http://llm:8321/v1', apiKey: KEY, models: [] }],
      inference: { defaultProvider: 'openai', defaultModel: 'granite' },
    });
  });

  it('prefers a flag to the environment', () => {
    expect(load({ PORT: '1' }, { port: '2' }).server.port).toBe(2);
  });

  it.each(SETTINGS.map(({ env }) => env))('counts an empty %s as unset', (name) => {
    expect(load({ [name]: '', [`${name}_FILE`]: '' })).toEqual(load({}));
  });

  it('is frozen to its depths', () => {
    const config = load({ OPENAI_API_KEY: KEY, ALLOWED_ORIGINS: 'https://a.example.com' });
    expect(
      [config, config.server, config.server.allowedOrigins, config.backends[0]].every(Object.isFrozen),
    ).toBe(true);
  });

  it.each([
    ['127.0.0.1', 'development'],
    ['127.1.2.3', 'development'],
    ['localhost', 'development'],
    ['::1', 'development'],
    ['0.0.0.0', 'production'],
    ['::', 'production'],
    ['localhost.example.com', 'production'],
    ['192.168.1.4', 'production'],
  ])('on %s the mode is %s unless it is set', (host, mode) => {
    const env = { HOST: host, MILLRACE_AUTH_MODULE: 'noop' };
    expect(load(env).mode).toBe(mode);
    expect(load({ ...env, MILLRACE_MODE: 'production' }).mode).toBe('production');
  });
});

describe('the short form for one backend', () => {
  it('calls OpenAI when only a key is set, and leaves the model to the request', () => {
    const config = load({ OPENAI_API_KEY: KEY });
    expect(config.backends).toMatchObject([
      {
        id: 'openai',
        baseUrl: 'https://api.openai.com/v1',
        apiKey: KEY,
        models: [],
        turnTimeoutMs: 1_800_000,
      },
    ]);
    expect(config.inference).toEqual({});
  });

  it('sends no key when only a URL is set', () => {
    const [backend] = load({ OPENAI_BASE_URL: 'http://127.0.0.1:11434/v1' }).backends;
    expect(backend).not.toHaveProperty('apiKey');
  });
});

describe('a setting that is not acceptable is refused in one line', () => {
  it.each([
    [{ PORT: 'abc' }, 'PORT: expected a number from 0 to 65535, got "abc"'],
    [{ PORT: '65536' }, 'PORT: expected a number from 0 to 65535, got 65536'],
    [{ PORT: '-1' }, 'PORT: expected a number from 0 to 65535, got "-1"'],
    [{ PORT: '4000.5' }, 'PORT: expected a number from 0 to 65535, got "4000.5"'],
    [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL: expected one of debug, info, warn, error, silent, got "loud"'],
    [{ MILLRACE_MODE: 'test' }, 'MILLRACE_MODE: expected one of development, production, got "test"'],
    [
      { ALLOWED_ORIGINS: 'https://a.example.com,*' },
      'ALLOWED_ORIGINS: expected an origin such as https://app.example.com ("*" is refused: name each one), got "*"',
    ],
    [
      { ALLOWED_ORIGINS: 'https://a.example.com/app' },
      'ALLOWED_ORIGINS: expected an origin such as https://app.example.com ("*" is refused: name each one), got "https://a.example.com/app"',
    ],
    [{ OPENAI_BASE_URL: 'llm:8321' }, 'OPENAI_BASE_URL: expected an http:// or https:// URL, got "llm:8321"'],
    [{ OPENAI_MODEL: 'granite' }, 'OPENAI_MODEL: needs OPENAI_API_KEY or OPENAI_BASE_URL beside it'],
    [
      { OPENAI_API_KEY: KEY, OPENAI_API_KEY_FILE: '/run/key' },
      'OPENAI_API_KEY_FILE: set either this or OPENAI_API_KEY, not both',
    ],
  ])('%o', (env, message) => {
    expect(complaint(env)).toBe(message);
  });

  it('is named by its flag when the flag set it', () => {
    expect(complaint({ PORT: '1' }, { port: 'x' })).toBe(
      '--port: expected a number from 0 to 65535, got "x"',
    );
  });

  it('is cut off when it is long', () => {
    expect(complaint({ LOG_LEVEL: 'x'.repeat(5_000) }).length).toBeLessThan(200);
  });

  it('is not shown when it is a secret', () => {
    expect(complaint({ DATABASE_URL: 'mysql://me:hunter2@db/x' })).toBe(
      'DATABASE_URL: expected a postgres:// URL',
    );
  });
});

describe('turns.maxToolResultBytes', () => {
  const isTaken = (maxToolResultBytes: number): boolean =>
    configSchema.safeParse({ turns: { maxToolResultBytes } }).success;

  it('is 256 KiB unless set, and may be 1 KiB to 16 MiB', () => {
    expect(load({}).turns.maxToolResultBytes).toBe(256 * 1_024);
    expect([1_024, 16 * 1_024 ** 2].map(isTaken)).toEqual([true, true]);
    expect([1_023, 16 * 1_024 ** 2 + 1, 1_024.5].map(isTaken)).toEqual([false, false, false]);
  });
});
