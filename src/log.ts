/** The structured logger. Made once in app.ts and passed in; nothing else constructs one. */
import { type Logger, pino } from 'pino';

export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;
export type LogLevelSetting = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** JSON lines on standard error: standard output stays free for what a command prints. */
export function createLog(level: LogLevelSetting): Log {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination(2));
}
