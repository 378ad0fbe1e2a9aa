/**
 * Upper edges of the buckets of every duration, in seconds. Finer than what `/metrics` shows (1 ms to 10 s), so that
 * `gateway top` can tell percentiles of fast exchanges.
 */
export const DURATION_EDGES_SECONDS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
] as const;

/** Upper edges of the number of requests that are decided by one flush. */
export const BATCH_SIZE_EDGES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512] as const;

/** Numbers a histogram takes: its buckets (not cumulative), the one above the last edge, and the sum. */
export const histogramLength = (edges: readonly number[]): number => edges.length + 2;

/** Which bucket takes the value, counted from 0. The lowest edges are met most, so they are looked at first. */
export function bucketOf(value: number, edges: readonly number[]): number {
  let bucket = 0;
  while (bucket < edges.length && value > (edges[bucket] as number)) bucket++;
  return bucket;
}
