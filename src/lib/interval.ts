/** Lengths of time as Postgres writes them, "1 day" or "2 weeks", and the grid that repeating one makes. In UTC, by the calendar. */

/** Either months or milliseconds, never both: a grid of days counted in months would have no even step. */
export type Interval = { readonly months: number } | { readonly ms: number };

const SECOND = 1_000;
const DAY = 86_400 * SECOND;
const MS: Readonly<Record<string, number>> = {
  second: SECOND,
  minute: 60 * SECOND,
  hour: 3_600 * SECOND,
  day: DAY,
  week: 7 * DAY,
};
const MONTHS: Readonly<Record<string, number>> = { month: 1, year: 12 };
const COUNT = /^\d{1,6}$/;
/** A hundred years: beyond it dates run out. */
const LONGEST = { months: 1_200, ms: 36_525 * DAY };

/** Undefined for what is no such length: no known unit, nothing at all, months mixed with days. */
export function parseInterval(text: string): Interval | undefined {
  const words = text.trim().toLowerCase().split(/\s+/);
  let months = 0;
  let ms = 0;
  for (let index = 0; index < words.length; index += 2) {
    const count = words[index] ?? '';
    const unit = (words[index + 1] ?? '').replace(/s$/, '');
    if (!COUNT.test(count) || !(Object.hasOwn(MS, unit) || Object.hasOwn(MONTHS, unit))) return undefined;
    ms += Number(count) * (MS[unit] ?? 0);
    months += Number(count) * (MONTHS[unit] ?? 0);
  }
  if (months > 0 === ms > 0 || months > LONGEST.months || ms > LONGEST.ms) return undefined;
  return months > 0 ? { months } : { ms };
}

/** `start` and `count` times the interval; a day that a month lacks becomes its last one, as in Postgres. */
export function addIntervals(start: Date, interval: Interval, count: number): Date {
  if ('ms' in interval) return new Date(start.getTime() + count * interval.ms);
  const first = new Date(start);
  first.setUTCDate(1);
  first.setUTCMonth(first.getUTCMonth() + count * interval.months);
  const last = new Date(first);
  last.setUTCMonth(last.getUTCMonth() + 1, 0);
  first.setUTCDate(Math.min(start.getUTCDate(), last.getUTCDate()));
  return first;
}

/** The largest count for which `addIntervals` is not after `at`; negative when that is before `start`. */
export function countIntervals(start: Date, interval: Interval, at: Date): number {
  if ('ms' in interval) return Math.floor((at.getTime() - start.getTime()) / interval.ms);
  const years = at.getUTCFullYear() - start.getUTCFullYear();
  const months = 12 * years + at.getUTCMonth() - start.getUTCMonth();
  const count = Math.floor(months / interval.months);
  return addIntervals(start, interval, count) > at ? count - 1 : count;
}
