/** Percentiles of measured values. */

/** The smallest value that at least `percent` of the sorted values do not exceed (nearest rank); NaN of none. */
export function toPercentile(sorted: ArrayLike<number>, percent: number): number {
  const rank = Math.ceil((percent / 100) * sorted.length);
  return sorted[Math.max(rank, 1) - 1] ?? Number.NaN;
}
