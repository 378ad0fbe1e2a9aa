import type { TrafficAnswer } from '../../shared/admin/status.ts';
import { monotonicMs } from '../../shared/clock.ts';
import { DURATION_EDGES_SECONDS } from '../../shared/metrics/histogram.ts';
import { firstRequestColumn, METHODS, ROUTE } from '../../shared/metrics/layout.ts';
import type { BlockSums, NamedRow } from './block-sums.ts';
import type { MetricParts } from './parts.ts';
import { socketRows } from './websocket-metrics.ts';

/** Totals of all routes, health checks included, as `http_requests_total` has them. */
export function trafficOf(sums: BlockSums, parts: Pick<MetricParts, 'threads' | 'node'>): TrafficAnswer {
  const rows = sums.rows('route');
  const total = (read: (row: NamedRow) => number): number => rows.reduce((sum, row) => sum + read(row), 0);
  const requests = (kind: 0 | 1 | 2) => (row: NamedRow) =>
    METHODS.reduce((sum, method) => sum + sums.at(row.start + firstRequestColumn(method) + kind), 0);
  const durations = rows.map(({ start }) => sums.histogram(start + ROUTE.duration, DURATION_EDGES_SECONDS));
  const threads = parts.threads.status();
  // Parts before the whole, which they must not exceed.
  const refused429 = total(requests(2));
  const errors5xx = total(requests(1));
  return {
    node: parts.node,
    atMs: monotonicMs(),
    requests: total(requests(0)),
    errors5xx,
    refused429,
    inFlight: threads.reduce((sum, { inFlight }) => sum + inFlight, 0),
    openConnections: threads.reduce((sum, { openConnections }) => sum + openConnections, 0),
    bytesReceived: total(({ start }) => sums.at(start + ROUTE.bytesReceived)),
    bytesSent: total(({ start }) => sums.at(start + ROUTE.bytesSent)),
    duration: {
      edgesSeconds: [...DURATION_EDGES_SECONDS],
      counts: Array.from({ length: DURATION_EDGES_SECONDS.length + 1 }, (_, i) =>
        durations.reduce((sum, { counts }) => sum + (counts[i] ?? 0), 0),
      ),
    },
    routes: rows.map((row) => ({
      route: row.name,
      refused429: requests(2)(row),
      errors5xx: requests(1)(row),
      requests: requests(0)(row),
    })),
    webSockets: socketRows(sums).map(({ name, start }) => ({
      route: name,
      open: sums.at(start + ROUTE.socketsOpen),
      opened: sums.at(start + ROUTE.socketsOpened),
      messagesReceived: sums.at(start + ROUTE.socketMessages),
      messagesSent: sums.at(start + ROUTE.socketMessages + 1),
      messagesRefused: sums.at(start + ROUTE.socketMessagesRefused),
      bytesReceived: sums.at(start + ROUTE.socketMessageBytes),
      bytesSent: sums.at(start + ROUTE.socketMessageBytes + 1),
    })),
  };
}
