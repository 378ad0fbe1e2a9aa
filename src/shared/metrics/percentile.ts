/** A time that so many of a histogram's values stay below. */
export interface Percentile {
  readonly seconds: number;
  /** The value lies above the highest edge of the histogram, which is what `seconds` is then. */
  readonly above: boolean;
}

/**
 * As Prometheus's histogram_quantile: evenly spread within the bucket that holds the rank.
 * @param counts one for each edge and one above the last; not cumulative
 * @param rank how many values lie below
 */
export function percentile(counts: ArrayLike<number>, edges: readonly number[], rank: number): Percentile {
  let below = 0;
  for (const [i, edge] of edges.entries()) {
    const inside = counts[i] ?? 0;
    if (inside > 0 && below + inside >= rank) {
      const from = edges[i - 1] ?? 0;
      return { seconds: from + (edge - from) * ((rank - below) / inside), above: false };
    }
    below += inside;
  }
  return { seconds: edges.at(-1) ?? 0, above: true };
}
