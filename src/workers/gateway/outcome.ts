import type { ErrorCode } from '../../shared/errors.ts';

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
