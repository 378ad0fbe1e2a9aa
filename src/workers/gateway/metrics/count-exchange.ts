import {
  firstRequestColumn,
  NO_ROUTE_ROW,
  PROBE_ROW,
  ROUTE,
  rowStart,
  STATUS_CLASSES,
} from '../../../shared/metrics/layout.ts';
import type { Exchange } from '../exchange.ts';
import { COUNTING } from './thread-metrics.ts';

export const NO_ROUTE_START = rowStart('route', NO_ROUTE_ROW);
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

const FIVE_XX = STATUS_CLASSES.indexOf('5xx');
const NONE = STATUS_CLASSES.indexOf('none');

/** Place among STATUS_CLASSES. A status from 600 on is like a 5xx (RFC 9110, section 15). @param status 0 = none came */
export const statusClass = (status: number): number =>
  status === 0 ? NONE : Math.min(Math.floor(status / 100) - 1, FIVE_XX);

/** Counts an exchange that is over. @param status given to the client; 0 = it left without any */
export function countExchange(exchange: Exchange, status: number): void {
  if (!COUNTING) return;
  const { answer, metricsStart, receivedBytes } = exchange;
  const { metrics } = exchange.thread;
  const requests = metricsStart + requestsColumn(exchange.method);
  metrics.add(requests);
  if (status >= 500) metrics.add(requests + 1);
  else if (status === 429) metrics.add(requests + 2);
  metrics.add(metricsStart + ROUTE.responses + statusClass(status));
  metrics.addSeconds(metricsStart + ROUTE.duration, exchange.tookMs() / 1000);
  if (receivedBytes > 0) metrics.add(metricsStart + ROUTE.bytesReceived, receivedBytes);
  if (answer.bodyBytes > 0) metrics.add(metricsStart + ROUTE.bytesSent, answer.bodyBytes);
}
