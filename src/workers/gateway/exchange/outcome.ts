import {
  OUTCOME,
  outcomeOfError,
  outcomeOfStatus,
  type Outcome as BreakerOutcome,
  type OutcomeRule,
} from '../../../shared/breaker/outcome.ts';
import type { ErrorCode } from '../../../shared/errors.ts';

/** How an exchange ended: with an answer of the upstream (or our own health), by an error, or because the client left. */
export type Outcome = ErrorCode | 'ok' | 'client_aborted';

/** Statuses of 500 and more that say nothing new: under an attack or an outage there is one for each request. */
const REFUSALS: ReadonlySet<Outcome> = new Set<Outcome>([
  'circuit_open',
  'limits_unavailable',
  'overloaded',
  'draining',
]);

/** Ends that the access log always has although the status does not say so. */
const FAILURES: ReadonlySet<Outcome> = new Set<Outcome>([
  'client_aborted',
  'client_stalled',
  'header_timeout',
  'request_timeout',
  'upstream_reset',
  'upstream_bad_response',
  'upstream_body_timeout',
  'upstream_total_timeout',
  'internal_error',
]);

/** Whether the access log has the exchange although it is sampled. */
export const isFailure = (outcome: Outcome, status: number): boolean =>
  status >= 500 ? !REFUSALS.has(outcome) : FAILURES.has(outcome);

/** An exchange that is over, as far as it speaks of its upstream. */
export interface JudgedExchange {
  /** Given to the client. */
  readonly status: number;
  readonly bytesSent: number;
  readonly call: { readonly status: number; readonly tookMs: number } | undefined;
}

/** What the end of an exchange says of its upstream. */
export function breakerOutcome(outcome: Outcome, exchange: JudgedExchange, rule: OutcomeRule): BreakerOutcome {
  const { status, bytesSent, call } = exchange;
  const tookMs = call?.tookMs ?? -1;
  if (outcome === 'ok') return outcomeOfStatus(rule, status, tookMs);
  // A stream that is quiet after a good header is no failure: its header is what could be said of the upstream.
  const upstreamStatus = call?.status ?? 0;
  const quiet = outcome === 'upstream_body_timeout' && upstreamStatus > 0 && bytesSent === 0;
  if (quiet) return outcomeOfStatus(rule, upstreamStatus, tookMs);
  return outcome === 'client_aborted' ? OUTCOME.IGNORED : outcomeOfError(rule, outcome);
}
