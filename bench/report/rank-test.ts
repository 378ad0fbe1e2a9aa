/** Pooled samples above this are judged by the normal approximation; the exact count would take too long. */
const EXACT_UP_TO = 40;

/**
 * How likely two samples of one population lie at least this far apart in rank: the two-sided p of the Wilcoxon-Mann-Whitney
 * test. It assumes nothing of the distribution, and for few samples it is exact: every way to divide the pooled values into
 * two groups of these sizes is counted, ties by their mean ranks (so it is the permutation test of the rank sum).
 * Source: Mann and Whitney, "On a test of whether one of two random variables is stochastically larger than the other",
 * Ann. Math. Statist. 18 (1947) 50-60; ties: Lehmann, "Nonparametrics" (1975), 1.4. Symmetric in its arguments.
 */
export function rankTestP(a: readonly number[], b: readonly number[]): number {
  if (a.length === 0 || b.length === 0) return 1;
  const doubled = doubledRanks([...a, ...b]);
  const sum = doubled.slice(0, a.length).reduce((x, y) => x + y, 0);
  return doubled.length <= EXACT_UP_TO ? exactP(doubled, a.length, sum) : normalP(doubled, a.length, sum);
}

/** The lowest p that so many samples can give at all: that of two groups that do not overlap. */
export const lowestP = (a: number, b: number): number => {
  let ways = 1;
  for (let i = 1; i <= Math.min(a, b); i++) ways = (ways * (a + b - i + 1)) / i;
  return Math.min(1, 2 / ways);
};

/** Ranks from 1, twice as large, so that the mean rank of tied values is a whole number too. */
function doubledRanks(values: readonly number[]): number[] {
  const sorted = values.toSorted((x, y) => x - y);
  const ranks = new Map(values.map((value) => [value, sorted.indexOf(value) + sorted.lastIndexOf(value) + 2]));
  return values.map((value) => ranks.get(value) ?? 0);
}

/** Twice the distance of a doubled rank sum from what is expected of `size` values: whole, so that equal is equal. */
const distance = (sum: number, size: number, total: number): number => Math.abs(2 * sum - 2 * size * (total + 1));

function exactP(doubled: readonly number[], size: number, seen: number): number {
  // ways[k] maps a rank sum to the number of ways to choose k of the values so far with this sum.
  const ways: Map<number, number>[] = Array.from({ length: size + 1 }, () => new Map<number, number>());
  ways[0]?.set(0, 1);
  for (const rank of doubled) {
    for (let k = size; k > 0; k--) {
      const into = ways[k];
      for (const [sum, count] of ways[k - 1] ?? []) into?.set(sum + rank, (into.get(sum + rank) ?? 0) + count);
    }
  }
  let all = 0;
  let asFar = 0;
  const far = distance(seen, size, doubled.length);
  for (const [sum, count] of ways[size] ?? []) {
    all += count;
    if (distance(sum, size, doubled.length) >= far) asFar += count;
  }
  return asFar / all;
}

function normalP(doubled: readonly number[], size: number, seen: number): number {
  const total = doubled.length;
  const mean = total + 1;
  const spread = doubled.reduce((sum, rank) => sum + (rank - mean) ** 2, 0);
  const variance = (size * (total - size) * spread) / (total * (total - 1));
  if (variance === 0) return 1;
  // Corrected for continuity: doubled rank sums are two apart.
  const z = Math.max(0, distance(seen, size, total) / 2 - 1) / Math.sqrt(variance);
  return Math.min(1, 2 * upperTail(z));
}

/** Upper tail of the normal distribution. Abramowitz and Stegun, "Handbook of Mathematical Functions", 26.2.17; error below 1e-7. */
function upperTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * series;
}
