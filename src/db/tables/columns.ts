/** Columns that several tables have in common. */
import { timestamp } from 'drizzle-orm/pg-core';

/** A moment to the millisecond, which is what a Date holds: a finer one would not be found again by its Date. */
export const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: 'date' });
