import {
  firstRequestColumn,
  NO_ROUTE_ROW,
  PREFLIGHT_ROW,
  PROBE_ROW,
  ROUTE,
  rowStart,
} from '../../../shared/metrics/layout.ts';
import { statusClass } from '../metrics/status-class.ts';
import { COUNTING } from '../metrics/thread-metrics.ts';
import type { ThreadMetrics } from '../metrics/thread-metrics.ts';

export const NO_ROUTE_START = rowStart('route', NO_ROUTE_ROW);
export const PREFLIGHT_START = rowStart('route', PREFLIGHT_ROW);
export const PROBE_START = rowStart('route', PROBE_ROW);

const GET = firstRequestColumn('GET');
const HEAD = firstRequestColumn('HEAD');
const POST = firstRequestColumn('POST');
const PUT = firstRequestColumn('PUT');
const PATCH = firstRequestColumn('PATCH');
const DELETE = firstRequestColumn('DELETE');
const OPTIONS = firstRequestColumn('OPTIONS');
const OTHER = firstRequestColumn('other');

/** The first of a method's three columns: all, 5xx, 429. */
function requestsColumn(method: string): number {
  switch (method) {
    case 'GET':
      return GET;
    case 'HEAD':
      return HEAD;
    case 'POST':
      return POST;
    case 'PUT':
      return PUT;
    case 'PATCH':
      return PATCH;
    case 'DELETE':
      return DELETE;
    case 'OPTIONS':
      return OPTIONS;
    default:
      return OTHER;
  }
}

/** What is counted of an exchange that is over. */
export interface CountedExchange {
  readonly metricsStart: number;
  readonly method: string;
  /** Given to the client; 0 = it left without any. */
  readonly status: number;
  readonly bytesSent: number;
  readonly body: { readonly receivedBytes: number } | undefined;
  /** Milliseconds from the request's header to now. */
  tookMs(): number;
}

/** Counts an exchange that is over. */
export function countExchange(exchange: CountedExchange, metrics: ThreadMetrics): void {
  if (!COUNTING) return;
  const { metricsStart, status, bytesSent, body } = exchange;
  const requests = metricsStart + requestsColumn(exchange.method);
  metrics.add(requests);
  if (status >= 500) metrics.add(requests + 1);
  else if (status === 429) metrics.add(requests + 2);
  metrics.add(metricsStart + ROUTE.responses + statusClass(status));
  metrics.addSeconds(metricsStart + ROUTE.duration, exchange.tookMs() / 1000);
  if (body !== undefined && body.receivedBytes > 0) metrics.add(metricsStart + ROUTE.bytesReceived, body.receivedBytes);
  if (bytesSent > 0) metrics.add(metricsStart + ROUTE.bytesSent, bytesSent);
}
