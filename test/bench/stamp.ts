/** Tokens that say when they were written, by the clock that all processes of a machine share. */
import process from 'node:process';

/** Characters of a token: a space and the time in microseconds to the base 36. */
export const STAMP_WIDTH = 10;
const BASE = 36;

/** Microseconds of the machine's monotonic clock, comparable between processes; its zero means nothing. */
export function nowMicros(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e6 + nanoseconds / 1e3;
}

export function toStamp(micros: number): string {
  return ` ${Math.floor(micros)
    .toString(BASE)
    .padStart(STAMP_WIDTH - 1, '0')}`;
}

/** The times of one token, or of several that were merged. Throws when the text is not made of whole tokens. */
export function readStamps(text: string): readonly number[] {
  const times = Array.from({ length: Math.ceil(text.length / STAMP_WIDTH) }, (_, index) =>
    Number.parseInt(text.slice(index * STAMP_WIDTH + 1, (index + 1) * STAMP_WIDTH), BASE),
  );
  if (text.length % STAMP_WIDTH === 0 && !times.some(Number.isNaN)) return times;
  throw new Error(`a token is broken: ${JSON.stringify(text)}`);
}
