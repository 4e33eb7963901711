/** A vitest reporter whose only output is the last line: how many tests passed, failed and were skipped. */
import type { Reporter } from 'vitest/node';

/** Files that could not be run and errors outside of tests count as failed. */
export function createClosingLineReporter(): Reporter {
  return {
    onTestRunEnd(modules, unhandledErrors) {
      const tests = modules.flatMap((module) => [...module.children.allTests()]);
      const count = (state: string): number => tests.filter((test) => test.result().state === state).length;
      const broken = modules.filter((module) => module.errors().length > 0).length + unhandledErrors.length;
      const skipped = count('skipped');
      const line = `Tests: ${count('passed')} passed, ${count('failed') + broken} failed`;
      process.stdout.write(`${line}${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
    },
  };
}
