import type { CompiledRule, Lane } from './rule.ts';
import { waitMs } from './token-bucket.ts';

/** `unavailable` = the store cannot be asked and the route is `closed`: 503, never 429. */
export type LimitOutcome = 'granted' | 'refused' | 'unavailable';

/** Who decided: the store, this thread's memory of a refusal, tokens taken ahead, or one of the failure modes. */
export type DecisionMode = 'store' | 'cache' | 'lease' | 'local' | 'open' | 'closed';

export interface Decision {
  readonly outcome: LimitOutcome;
  readonly mode: DecisionMode;
  /** Whole tokens left in the tightest bucket after this request. */
  readonly remaining: number;
  /** Capacity of the tightest bucket. */
  readonly limit: number;
  /** Milliseconds until the same request could be granted; 0 when granted. */
  readonly retryAfterMs: number;
  /** Milliseconds until the tightest bucket is full, if nobody takes from it. */
  readonly resetMs: number;
  /** The tightest rule: the one that refused, or the one with the least left. */
  readonly rule: CompiledRule;
}

/** A request that waits for its decision. Called exactly once, never from inside the call that asked. */
export interface Waiter {
  /** When it asked, monotonic milliseconds. */
  readonly startedMs: number;
  /** Name of the bucket that it shares with the other new clients of its address where a store is full. */
  addressName(): string;
  onDecision(decision: Decision): void;
}

/** How the decision came about. */
export interface Verdict {
  readonly outcome: 'granted' | 'refused';
  readonly mode: DecisionMode;
  /** Tokens that others of the same batch, later in line, took after this one: it saw that many more. */
  readonly laterTokens: number;
}

/** The decision that follows from the level of each rule's bucket. */
export function decisionFromLevels(lane: Lane, left: ArrayLike<number>, verdict: Verdict): Decision {
  const { rules, cost } = lane;
  const granted = verdict.outcome === 'granted';
  let tightest = rules[0] as CompiledRule; // a lane has at least one rule
  let level = (left[0] ?? 0) + verdict.laterTokens;
  let retryAfterMs = granted ? 0 : waitMs(level, cost, tightest);
  for (let i = 1; i < rules.length; i++) {
    const rule = rules[i] as CompiledRule;
    const other = (left[i] ?? 0) + verdict.laterTokens;
    const wait = granted ? 0 : waitMs(other, cost, rule);
    if (granted ? other < level : wait > retryAfterMs) {
      tightest = rule;
      level = other;
      retryAfterMs = wait;
    }
  }
  return {
    outcome: verdict.outcome,
    mode: verdict.mode,
    remaining: Math.max(0, Math.floor(level)),
    limit: tightest.capacity,
    retryAfterMs,
    resetMs: waitMs(level, tightest.capacity, tightest),
    rule: tightest,
  };
}
