import type { AccessLog, BegunEntry } from '../access-log.ts';
import type { ThreadMetrics } from '../metrics/thread-metrics.ts';
import { countExchange } from './count-exchange.ts';
import type { CountedExchange } from './count-exchange.ts';
import { isFailure } from './outcome.ts';
import type { ExchangeOutcome } from './outcome.ts';

export interface RecordingThread {
  readonly accessLog: AccessLog;
  readonly metrics: ThreadMetrics;
}

/** What is told of an exchange that is over. */
export interface RecordedExchange extends CountedExchange {
  readonly thread: RecordingThread;
  readonly requestId: string;
  readonly address: string;
  /** `undefined` = nobody has proved who he is. */
  readonly caller: { readonly consumer: string } | undefined;
  /** What came of asking the route's authorizer; `undefined` = it was not asked. */
  readonly authorized: string | undefined;
  readonly path: string;
  readonly routeName: string;
  readonly call:
    | {
        readonly tookMs: number;
        readonly attempts: number;
        readonly target: { readonly config: { readonly origin: string } } | undefined;
      }
    | undefined;
}

/** The last that becomes of an exchange: it is counted, and logged where the access log wants it. */
export function recordExchange(exchange: RecordedExchange, outcome: ExchangeOutcome): void {
  const { accessLog, metrics } = exchange.thread;
  countExchange(exchange, metrics);
  if (!accessLog.wants(isFailure(outcome, exchange.status))) return;
  accessLog.add({
    ...beginEntry(exchange),
    bytes_received: exchange.body?.receivedBytes ?? 0,
    bytes_sent: exchange.bytesSent,
    duration_ms: round(exchange.tookMs()),
    outcome,
  });
}

/** What a line says of an exchange that has been answered, or will not be. */
export function beginEntry(exchange: RecordedExchange): BegunEntry {
  return {
    request_id: exchange.requestId,
    client: exchange.address,
    ...(exchange.caller === undefined ? {} : { consumer: exchange.caller.consumer }),
    ...(exchange.authorized === undefined ? {} : { authorizer: exchange.authorized }),
    method: exchange.method,
    path: shortPath(exchange.path),
    route: exchange.routeName,
    status: exchange.status,
    ...(exchange.call === undefined || exchange.call.attempts === 1 ? {} : { attempts: exchange.call.attempts }),
    upstream_ms: round(exchange.call?.tookMs ?? -1),
    target: exchange.call?.target?.config.origin ?? '',
  };
}

/** Characters of a path that are logged: who looks for one knows it by its start. */
const MOST_OF_PATH = 1_024;

const shortPath = (path: string): string =>
  path.length <= MOST_OF_PATH ? path : `${path.slice(0, MOST_OF_PATH)}… (${path.length} characters)`;

/** Milliseconds to a thousandth: a log line needs no more. */
const round = (ms: number): number => Math.round(ms * 1000) / 1000;
