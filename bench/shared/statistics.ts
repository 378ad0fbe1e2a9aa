/** The middle of some numbers and how far they lie apart. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Undefined for no numbers at all. */
export function summarize(values: readonly number[]): Summary | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const [min] = sorted;
  const max = sorted.at(-1);
  const high = sorted[Math.floor(sorted.length / 2)];
  const low = sorted[Math.floor((sorted.length - 1) / 2)];
  if (min === undefined || max === undefined || low === undefined || high === undefined) return undefined;
  return { median: (low + high) / 2, min, max };
}

/** One usable measurement. */
export interface Point {
  readonly round: number;
  readonly value: number;
}

/**
 * Ratios of two subjects, each within one round, so that whatever slowed a whole round cancels out.
 * Rounds that only one of them has are left out.
 */
export function ratiosByRound(ours: readonly Point[], theirs: readonly Point[]): number[] {
  const other = new Map(theirs.map((point) => [point.round, point.value]));
  return ours.flatMap(({ round, value }) => {
    const base = other.get(round);
    return base === undefined || base <= 0 ? [] : [value / base];
  });
}
