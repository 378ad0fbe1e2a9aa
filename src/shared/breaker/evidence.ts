import type { BreakerWindow } from './rule.ts';

/** What one client did in the window: who, requests, failures. None of either: it was seen to succeed, not counted. */
export type ClientCount = readonly [id: string, requests: number, failed: number];

/** What one node saw of an upstream in its window. Clients are bounded, so their sums may be below the totals. */
export interface Tally {
  readonly requests: number;
  readonly failed: number;
  readonly clients: readonly ClientCount[];
}

/** What several tallies say together. */
export interface Evidence {
  readonly requests: number;
  /** Share of failures: the smaller of that of all requests and the mean over clients of each one's own. */
  readonly share: number;
  /** Clients that were seen. */
  readonly active: number;
  /** Those with failures, each once. */
  readonly failing: readonly string[];
}

const NOTHING: Evidence = { requests: 0, share: 0, active: 0, failing: [] };

/**
 * Adds tallies up; a client that several nodes saw is one client. The mean over clients is what makes it fair: a client
 * that fails a thousand times counts as much as one that is served once.
 */
export function weigh(tallies: readonly Tally[]): Evidence {
  if (tallies.length === 0) return NOTHING;
  let requests = 0;
  let failed = 0;
  const clients = new Map<string, { requests: number; failed: number }>();
  for (const tally of tallies) {
    requests += tally.requests;
    failed += tally.failed;
    for (const [id, all, bad] of tally.clients) {
      const known = clients.get(id);
      if (known === undefined) clients.set(id, { requests: all, failed: bad });
      else {
        known.requests += all;
        known.failed += bad;
      }
    }
  }
  let shares = 0;
  const failing: string[] = [];
  for (const [id, each] of clients) {
    if (each.failed === 0) continue;
    failing.push(id);
    shares += each.failed / each.requests;
  }
  const ofAll = requests === 0 ? 0 : failed / requests;
  const ofClients = clients.size === 0 ? ofAll : shares / clients.size;
  return { requests, share: Math.min(ofAll, ofClients), active: clients.size, failing };
}

/** Clients that succeeded in the window and did not fail: while there are some, failures in a row prove nothing. */
export const calmIn = ({ active, failing }: Evidence): number => active - failing.length;

/** A share is as large as the setting although the sum of fractions is a hair less. */
const ROUNDING = 1e-9;

/** Whether the failure share opens: enough requests, and of two clients or more at least two that fail. */
export function isOverRate(evidence: Evidence, window: BreakerWindow | undefined): boolean {
  if (window === undefined || window.errorRate === 0) return false;
  const { requests, share, active, failing } = evidence;
  if (requests < window.minVolume || failing.length === 0) return false;
  return share + ROUNDING >= window.errorRate && (active < 2 || failing.length >= 2);
}

/** The client that alone proved an opening; undefined = several did, or nobody knows. */
export const soleCulprit = ({ failing }: Evidence): string | undefined =>
  failing.length === 1 ? failing[0] : undefined;
