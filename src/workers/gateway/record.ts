import type { Exchange } from './exchange.ts';
import { countExchange } from './metrics/count-exchange.ts';
import { isFailure, type Outcome } from './outcome.ts';

/** The last that becomes of an exchange: it is counted, and logged where the access log wants it. */
export function recordExchange(exchange: Exchange, outcome: Outcome, status: number): void {
  countExchange(exchange, status);
  const { accessLog } = exchange.thread;
  if (!accessLog.wants(isFailure(outcome, status))) return;
  accessLog.add({
    request_id: exchange.requestId,
    client: exchange.client,
    method: exchange.method,
    path: exchange.path,
    route: exchange.route?.name ?? '',
    status,
    bytes_received: exchange.receivedBytes,
    bytes_sent: exchange.answer.bodyBytes,
    duration_ms: round(exchange.tookMs()),
    upstream_ms: round(exchange.upstreamMs),
    target: exchange.target?.config.origin ?? '',
    outcome,
  });
}

/** Milliseconds to a thousandth: a log line needs no more. */
const round = (ms: number): number => Math.round(ms * 1000) / 1000;
