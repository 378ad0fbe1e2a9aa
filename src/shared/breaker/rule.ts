/** What one upstream's breaker goes by. Plain data, so that it crosses threads and goes into the Lua script as JSON. */
export interface BreakerRule {
  /** Consecutive failures, pooled over threads and nodes, that open it; 1 to 4,000. */
  readonly failureThreshold: number;
  /** How long it stays open the first time. */
  readonly resetTimeoutMs: number;
  /** Probes that must succeed before it closes, and so the most probes in flight in the whole cluster. */
  readonly halfOpenSuccesses: number;
  /** Each opening that follows a failed probe lasts this many times the one before; 1 = always the same. */
  readonly openFactor: number;
  /** No opening is longer than this (before jitter). */
  readonly openCapMs: number;
  /** Reopenings last up to this share longer, at random (0.1 = 10 %). The first opening is exact: people time it. */
  readonly openJitter: number;
  /** A probe nobody renews frees its permit after this. */
  readonly permitMs: number;
  /** Nodes that must have seen failures (as far as that many live) before it opens for all; else for the node alone. */
  readonly minNodes: number;
}

/**
 * Failures over a sliding window, by client and over all nodes, and slow calls over that of one node's own traffic; a
 * threshold of 0 turns a trigger off.
 */
export interface BreakerWindow {
  readonly windowMs: number;
  /** Fewer calls than this in the window decide nothing. */
  readonly minVolume: number;
  /** Share of failures, 0 to 1, from which it opens. */
  readonly errorRate: number;
  /** Share of slow calls, 0 to 1, from which it opens. */
  readonly slowRate: number;
}

export type BreakerMode = 'off' | 'shadow' | 'on';

/** One upstream, as the front is told about it. */
export interface BreakerUpstream {
  readonly name: string;
  readonly mode: BreakerMode;
  readonly rule: BreakerRule;
  /** Undefined: only failures in a row open it. */
  readonly window: BreakerWindow | undefined;
}

export const DEFAULT_RULE: BreakerRule = {
  failureThreshold: 5,
  resetTimeoutMs: 30_000,
  halfOpenSuccesses: 2,
  openFactor: 1,
  openCapMs: 300_000,
  openJitter: 0.1,
  permitMs: 5_000,
  minNodes: 1,
};

/** How long the n-th opening in a row lasts. `random` is in [0, 1). */
export function openForMs(rule: BreakerRule, trips: number, random: number): number {
  const base = Math.min(
    Math.max(rule.openCapMs, rule.resetTimeoutMs),
    rule.resetTimeoutMs * rule.openFactor ** (trips - 1),
  );
  return trips <= 1 ? rule.resetTimeoutMs : Math.floor(base * (1 + rule.openJitter * random));
}
