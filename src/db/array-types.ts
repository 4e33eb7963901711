/** How JavaScript arrays are sent as parameters. Only for the element types that Millrace sends; nothing is looked up. */
import { makePgArray } from 'drizzle-orm/pg-core/utils/array';
import type { PostgresType } from 'postgres';

/** Object ids of bool[], int4[], text[], int8[], float8[] and uuid[], which are the same in every Postgres (pg_type.dat). */
const ARRAY_TYPES: readonly number[] = [1000, 1007, 1009, 1016, 1022, 2951];

/**
 * The driver would ask each new connection for the array types, and when the connection is lost in that moment, its query
 * fails with nobody to catch it, which ends the process. Results stay as Postgres writes them: select arrays as JSON.
 */
export function arrayTypes(): Record<string, PostgresType> {
  const serialize = (value: unknown): unknown => (Array.isArray(value) ? makePgArray(value) : value);
  const parse = (text: string): string => text;
  return Object.fromEntries(
    ARRAY_TYPES.map((oid) => [`array${oid}`, { to: oid, from: [oid], serialize, parse }]),
  );
}
