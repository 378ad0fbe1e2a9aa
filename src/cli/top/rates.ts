import type { TrafficAnswer } from '../../shared/admin/status.ts';
import { percentile } from '../../shared/metrics/percentile.ts';
import type { Percentile } from '../../shared/metrics/percentile.ts';

/** What happened between two answers of /admin/traffic. Rates are per second, times in seconds. */
export interface Rates {
  readonly seconds: number;
  readonly requests: number;
  readonly errors5xx: number;
  readonly refused429: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** `undefined`: there was no request. */
  readonly percentiles: { readonly p50: Percentile; readonly p95: Percentile; readonly p99: Percentile } | undefined;
  readonly routes: readonly RouteRates[];
}

export interface RouteRates {
  readonly route: string;
  readonly requests: number;
  readonly errors5xx: number;
  readonly refused429: number;
}

/**
 * @returns `undefined` when the two are not of one run of one gateway: it was started again between them
 */
export function ratesBetween(before: TrafficAnswer, after: TrafficAnswer): Rates | undefined {
  const seconds = (after.atMs - before.atMs) / 1000;
  if (before.node !== after.node || seconds <= 0 || after.requests < before.requests) return undefined;
  const rate = (name: CounterName): number => Math.max(0, after[name] - before[name]) / seconds;
  const counts = after.duration.counts.map((value, i) => Math.max(0, value - (before.duration.counts[i] ?? 0)));
  return {
    seconds,
    requests: rate('requests'),
    errors5xx: rate('errors5xx'),
    refused429: rate('refused429'),
    bytesReceived: rate('bytesReceived'),
    bytesSent: rate('bytesSent'),
    percentiles: percentilesOf(counts, after.duration.edgesSeconds),
    routes: routeRates(before, after, seconds),
  };
}

type CounterName = 'requests' | 'errors5xx' | 'refused429' | 'bytesReceived' | 'bytesSent';

function routeRates(before: TrafficAnswer, after: TrafficAnswer, seconds: number): readonly RouteRates[] {
  const earlier = new Map(before.routes.map((each) => [each.route, each]));
  return after.routes
    .map(({ route, requests, errors5xx, refused429 }) => {
      const from = earlier.get(route);
      const rate = (now: number, then = 0): number => Math.max(0, now - then) / seconds;
      return {
        route,
        requests: rate(requests, from?.requests),
        errors5xx: rate(errors5xx, from?.errors5xx),
        refused429: rate(refused429, from?.refused429),
      };
    })
    .sort((a, b) => b.requests - a.requests);
}

function percentilesOf(counts: readonly number[], edges: readonly number[]): Rates['percentiles'] {
  const total = counts.reduce((sum, each) => sum + each, 0);
  if (total === 0) return undefined;
  const at = (share: number): Percentile => percentile(counts, edges, share * total);
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}
