import { ERROR_CODES, ERRORS } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';

/** How an exchange ended, as the breaker sees it. */
export const OUTCOME = { SUCCESS: 0, FAILURE: 1, IGNORED: 2, SLOW: 3 } as const;
export type BreakerOutcome = (typeof OUTCOME)[keyof typeof OUTCOME];

/** Which outcomes count against an upstream. */
export interface OutcomeRule {
  readonly statuses: ReadonlySet<number>;
  readonly errors: ReadonlySet<ErrorCode>;
  /** A good answer that took longer is slow; 0 = none is. */
  readonly slowMs: number;
}

/**
 * Connect errors, time-outs, bad responses and 500, 502, 503, 504. Never the client's own doing (4xx, request_timeout,
 * abort) nor our own refusals (429, 503 of the gateway): those say nothing about the upstream.
 */
export const DEFAULT_OUTCOME_RULE: OutcomeRule = {
  statuses: new Set([500, 502, 503, 504]),
  errors: new Set(ERROR_CODES.filter((code) => ERRORS[code].upstreamFault)),
  slowMs: 0,
};

/** For an answer that came from the upstream; `tookMs` from the request being sent to the end of its header. */
export function outcomeOfStatus(rule: OutcomeRule, status: number, tookMs: number): BreakerOutcome {
  if (rule.statuses.has(status)) return OUTCOME.FAILURE;
  return rule.slowMs > 0 && tookMs > rule.slowMs ? OUTCOME.SLOW : OUTCOME.SUCCESS;
}

/** For an exchange the gateway ended itself: a failure of the upstream, or nothing at all. */
export const outcomeOfError = (rule: OutcomeRule, code: ErrorCode): BreakerOutcome =>
  rule.errors.has(code) ? OUTCOME.FAILURE : OUTCOME.IGNORED;
