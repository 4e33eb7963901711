/** What is told of settings that come from a file, from files of secrets, and from one another. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Environment } from '../../../src/config/environment.ts';
import { explainSettings } from '../../../src/config/explain.ts';
import { loadExplained } from '../../../src/config/load.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-explain-'));
afterAll(() => rmSync(folder, { recursive: true }));

writeFileSync(join(folder, 'key'), 'hunter2 hunter2 hunter2');
writeFileSync(
  join(folder, 'millrace.yaml'),
  `
server: { port: 1234 }
logLevel: warn
backends:
  - { id: a, baseUrl: "http://a/v1", models: [large] }
  - { id: b, baseUrl: "http://b/v1", apiKey: hunter2 }
transcripts: { hmacKeyFile: key }
`,
);

/** The values in what is told. */
function listValues(path: string, env: Environment = {}, flags = { config: 'millrace.yaml' }) {
  const blocks = explainSettings(loadExplained({ env, flags, cwd: folder }), path);
  return blocks.flatMap((block) => [...block.matchAll(/^ {2}Value +(.*)$/gm)].map(([, value]) => value));
}

describe('the value of a setting', () => {
  it.each([
    ['server.port', '1234, from millrace.yaml'],
    ['server.host', '"127.0.0.1", the default'],
    ['mode', '"development", follows from other settings'],
    ['inference.defaultModel', 'not set'],
    ['transcripts.hmacKey', '"***", from transcripts.hmacKeyFile in millrace.yaml'],
    ['transcripts.hmacKeyFile', '"key", from millrace.yaml'],
  ])('%s is %s', (path, value) => {
    expect(listValues(path)).toEqual([value]);
  });

  it('is from the variable or the flag that wins over the file', () => {
    expect(listValues('logLevel', { LOG_LEVEL: 'info' })).toEqual(['"info", from LOG_LEVEL']);
    const secret = { DATABASE_URL: 'postgres://hunter2@db/x' };
    expect(listValues('database.url', secret)).toEqual(['"***", from DATABASE_URL']);
  });

  it('is told of each item of a list, or of the one that is asked for', () => {
    expect(listValues('backends[].models')).toEqual([
      'backends[0].models = ["large"], from millrace.yaml',
      'backends[1].models = [], the default',
    ]);
    expect(listValues('backends[1].apiKey')).toEqual(['backends[1].apiKey = "***", from millrace.yaml']);
    expect(listValues('shields')).toEqual([]);
  });

  it('of the one backend in short follows from the variables that it is made of', () => {
    const env = { OPENAI_BASE_URL: 'http://llm/v1' };
    const loaded = loadExplained({ env, flags: {}, cwd: folder });
    const [block] = explainSettings(loaded, 'backends[0].baseUrl');
    expect(block).toContain('backends[0].baseUrl = "http://llm/v1", follows from other settings');
  });
});

describe('a path', () => {
  const loaded = loadExplained({ env: {}, flags: {}, cwd: folder });
  const pathsAt = (path: string) => explainSettings(loaded, path).map((block) => block.split('\n')[0]);

  it('names a setting or what settings stand in, never a part of a name', () => {
    expect(pathsAt('feedback')).toEqual(['feedback.enabled']);
    expect(pathsAt('backends').slice(0, 2)).toEqual(['backends[].id', 'backends[].baseUrl']);
    expect(pathsAt('data')).toEqual([]);
    expect(pathsAt('database.')).toEqual([]);
  });
});
