/** A log that a test can read. */
import type { Log } from '../../src/log.ts';

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
}

export interface RecordedLog extends Log {
  readonly lines: readonly LogLine[];
}

/** Keeps the messages of what is logged. */
export function createRecordedLog(): RecordedLog {
  const lines: LogLine[] = [];
  const write =
    (level: LogLine['level']) =>
    (...[first, second]: readonly unknown[]): void => {
      lines.push({ level, message: String(typeof first === 'string' ? first : second) });
    };
  return { lines, debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}
