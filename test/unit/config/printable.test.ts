/** What of the configuration may be shown. */
import { describe, expect, it } from 'vitest';
import type { Config } from '../../../src/config/config.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { listLeaves } from '../../../src/config/outline.ts';
import { toPrintable } from '../../../src/config/printable.ts';

const config = loadConfig({
  env: {
    DATABASE_URL: 'postgres://me:hunter2@db/millrace',
    OPENAI_API_KEY: 'sk-hunter2',
    OPENAI_BASE_URL: 'https://me:hunter2@llm.example.com/v1',
  },
  flags: {},
  cwd: '/srv',
});

describe('the printable configuration', () => {
  it('has every value but the secret ones, and the defaults that follow from others', () => {
    const printable = toPrintable(config);
    expect(printable).toMatchObject({
      mode: 'development',
      server: { host: '127.0.0.1', port: 4000, allowedOrigins: [] },
      database: { url: '***', poolSize: 10 },
      dataDir: '/srv/.millrace',
      backends: [{ id: 'openai', baseUrl: 'https://***@llm.example.com/v1', apiKey: '***' }],
      transcripts: { enabled: false, redactions: [] },
    });
    expect(JSON.stringify(printable)).not.toContain('hunter2');
    expect(Object.keys(printable).toSorted()).toEqual(Object.keys(config).toSorted());
  });

  it('leaves the configuration alone', () => {
    expect(config.database.url).toContain('hunter2');
  });

  it('masks what the schema does not know', () => {
    const strange = { ...config, token: 'hunter2', nested: { keys: ['hunter2'] } } as Config;
    expect(toPrintable(strange)).toMatchObject({ token: '***', nested: '***' });
  });

  it('knows that every key, token, password and secret is secret', () => {
    const suspicious = listLeaves().filter(({ path }) => /(key|token|password|secret)$/i.test(path));
    expect(suspicious.length).toBeGreaterThan(2);
    expect(suspicious.filter(({ node }) => !node.secret).map(({ path }) => path)).toEqual([]);
  });
});
