import { OUTCOME, outcomeOfError, outcomeOfStatus } from '../../../shared/breaker/outcome.ts';
import type { BreakerOutcome, OutcomeRule } from '../../../shared/breaker/outcome.ts';
import { ERRORS } from '../../../shared/errors.ts';
import type { ErrorCode } from '../../../shared/errors.ts';

/** How an exchange ended: with an answer of the upstream (or our own health), by an error, or because the client left. */
export type ExchangeOutcome = ErrorCode | 'ok' | 'client_aborted';

/** Whether the access log has the exchange although it is sampled. */
export function isFailure(outcome: ExchangeOutcome, status: number): boolean {
  if (outcome === 'client_aborted') return true;
  const logged = outcome === 'ok' ? 'by-status' : ERRORS[outcome].logged;
  return logged === 'always' || (logged === 'by-status' && status >= 500);
}

/** An exchange that is over, as far as it speaks of its upstream. */
export interface JudgedExchange {
  /** Given to the client. */
  readonly status: number;
  readonly bytesSent: number;
  readonly call: { readonly status: number; readonly tookMs: number } | undefined;
}

/** What the end of an exchange says of its upstream. */
export function breakerOutcome(outcome: ExchangeOutcome, exchange: JudgedExchange, rule: OutcomeRule): BreakerOutcome {
  const { status, bytesSent, call } = exchange;
  const tookMs = call?.tookMs ?? -1;
  if (outcome === 'ok') return outcomeOfStatus(rule, status, tookMs);
  // A stream that is quiet after a good header is no failure: its header is what could be said of the upstream.
  const upstreamStatus = call?.status ?? 0;
  const quiet = outcome === 'upstream_body_timeout' && upstreamStatus > 0 && bytesSent === 0;
  if (quiet) return outcomeOfStatus(rule, upstreamStatus, tookMs);
  return outcome === 'client_aborted' ? OUTCOME.IGNORED : outcomeOfError(rule, outcome);
}
