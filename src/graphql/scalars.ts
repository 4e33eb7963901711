/** The scalars beside GraphQL's own. */
import { AppError } from '../errors.ts';
import type { Builder } from './builder.ts';

export function declareScalars(builder: Builder): void {
  builder.scalarType('Count', {
    description: 'A whole number from 0 to 9,007,199,254,740,991 (2^53 - 1), sent as a JSON number.',
    serialize: toCount,
  });
  builder.scalarType('Cursor', {
    description:
      "A place in a list or among a turn's events. Opaque: keep it as it is and hand it back where it came from.",
    serialize: String,
    parseValue: toText,
  });
  builder.scalarType('DateTime', {
    description: 'A moment in UTC with milliseconds, as ISO 8601: "2026-01-31T12:00:00.000Z".',
    serialize: (moment) => moment.toISOString(),
  });
  builder.scalarType('JSON', {
    description: "A JSON object whose shape belongs to someone else, such as a tool's arguments.",
    serialize: (value) => value,
  });
  builder.scalarType('URL', {
    description: 'An absolute http or https URL.',
    serialize: String,
    parseValue: toHttpUrl,
  });
}

function toCount(value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new TypeError(`${value} is not a Count`);
}

function toText(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new AppError('BAD_USER_INPUT', 'A cursor is a string');
}

function toHttpUrl(value: unknown): string {
  const url = typeof value === 'string' ? URL.parse(value) : null;
  if (url && (url.protocol === 'http:' || url.protocol === 'https:')) return url.href;
  throw new AppError('BAD_USER_INPUT', 'A URL must be absolute and start with http:// or https://');
}
