import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { createClosingLineReporter } from './support/closing-line-reporter.ts';

const project = (name: string, folders: readonly string[], globalSetup: readonly string[] = []) => ({
  extends: true as const,
  test: {
    name,
    include: folders.map((folder) => `test/${folder}/**/*.test.ts`),
    globalSetup: [...globalSetup],
  },
});

/** Unit tests do no I/O and start nothing; the others share one Postgres a project. */
export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    server: { deps: { inline: [/graphql/, /@pothos\//] } },
    reporters: ['default', createClosingLineReporter()],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    projects: [
      project('unit', ['unit', 'house']),
      project('integration', ['integration', 'regression'], ['test/support/postgres.ts']),
      project('e2e', ['e2e'], ['test/support/postgres.ts']),
    ],
  },
});
