import type { LoadResult } from '../../shared/load/plan.ts';

/** The percentiles that are told, and where each lies on an axis of nines: 0.9 is one nine, 0.99 two. */
export const NINES = { p50: Math.log10(2), p90: 1, p99: 2, 'p99.9': 3 } as const;

export type Percentile = keyof typeof NINES;

export const PERCENTILES = Object.keys(NINES) as Percentile[];

/** A generator that is later than this share of a figure has made part of the figure itself. */
export const MOST_LATE = 0.2;
/** Cores of its one thread. */
const MOST_BUSY = 0.95;

/**
 * How late the generator itself was, as far as it can move this percentile. Lateness at the next percentile counts for the
 * median and p90: what is late often moves requests across them even when the median request is in time.
 */
const LATENESS = {
  p50: ({ lateP90Us }: LoadResult) => lateP90Us,
  p90: ({ lateP99Us }: LoadResult) => lateP99Us,
  p99: ({ lateP99Us }: LoadResult) => lateP99Us,
  'p99.9': ({ lateP999Us }: LoadResult) => lateP999Us,
} as const satisfies Record<Percentile, (load: LoadResult) => number | undefined>;

const FIGURE = {
  p50: ({ p50Us }: LoadResult) => p50Us,
  p90: ({ p90Us }: LoadResult) => p90Us,
  p99: ({ p99Us }: LoadResult) => p99Us,
  'p99.9': ({ p999Us }: LoadResult) => p999Us,
} as const satisfies Record<Percentile, (load: LoadResult) => number>;

/** Why this percentile of this run says more about the load generator than about the subject; undefined = it may be told. */
export function distrust(load: LoadResult, percentile: Percentile): string | undefined {
  // So busy it also reads answers late, which it does not see itself.
  if (load.busyCores > MOST_BUSY) return `${percentile}, the generator was ${Math.round(load.busyCores * 100)} % busy`;
  const lateUs = LATENESS[percentile](load);
  const figureUs = FIGURE[percentile](load);
  if (lateUs === undefined || lateUs <= figureUs * MOST_LATE) return undefined;
  return `${percentile} ${inMs(figureUs)} ms, the generator itself ${inMs(lateUs)} ms late`;
}

const inMs = (us: number): string => (us / 1000).toFixed(2);
