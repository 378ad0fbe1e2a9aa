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

interface JudgedCall {
  readonly status: number;
  readonly refusedStatus: number;
  readonly tookMs: number;
  readonly target: { readonly ejection: { readonly leavesOut: boolean } | undefined } | undefined;
}

/** An exchange that is over, as far as it speaks of its upstream. */
export interface JudgedExchange {
  /** Given to the client. */
  readonly status: number;
  readonly call: JudgedCall | undefined;
  readonly body: { readonly ended: boolean } | undefined;
}

/**
 * What the end of an exchange says of its upstream. What fails on a target that is ejected says nothing new: many requests
 * that die with one server are not so many failures in a row of all.
 */
export function breakerOutcome(outcome: ExchangeOutcome, exchange: JudgedExchange, rule: OutcomeRule): BreakerOutcome {
  const said = outcomeOfAttempt(outcome, exchange, rule);
  const ejection = exchange.call?.target?.ejection;
  return said === OUTCOME.FAILURE && ejection !== undefined && ejection.leavesOut ? OUTCOME.IGNORED : said;
}

/**
 * Nothing, where a client can bring it about at will: by leaving, by sending its own request too slowly, or by asking for an
 * answer that is longer or odder than we take.
 */
function outcomeOfAttempt(outcome: ExchangeOutcome, exchange: JudgedExchange, rule: OutcomeRule): BreakerOutcome {
  const { status, call, body } = exchange;
  const tookMs = call?.tookMs ?? -1;
  const upstreamStatus = call?.status ?? 0;
  if (outcome === 'ok') return outcomeOfStatus(rule, status, tookMs);
  if (outcome === 'client_aborted') return OUTCOME.IGNORED;
  // Quiet, or long, after a header (an event stream): the header is what could be said of the upstream.
  const goesOn =
    outcome === 'upstream_body_timeout' || outcome === 'upstream_total_timeout' || outcome === 'response_too_large';
  if (goesOn && upstreamStatus > 0) return outcomeOfStatus(rule, upstreamStatus, tookMs);
  // HTTP, but a header that we do not take. One that came with a failure is one all the same.
  if (outcome === 'upstream_bad_response' && call !== undefined && call.refusedStatus > 0) {
    return rule.statuses.has(call.refusedStatus) ? OUTCOME.FAILURE : OUTCOME.IGNORED;
  }
  // It will not wait for ever for a client that owes the rest of its request.
  if (outcome === 'upstream_reset' && upstreamStatus === 0 && body?.ended === false) return OUTCOME.IGNORED;
  return outcomeOfError(rule, outcome);
}
