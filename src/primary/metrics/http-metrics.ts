import { DURATION_EDGES_SECONDS } from '../../shared/metrics/histogram.ts';
import {
  AUTH_METHODS,
  AUTH_OUTCOMES,
  authColumn,
  AUTHORIZER_OUTCOMES,
  authorizerColumn,
  firstRequestColumn,
  METHODS,
  REFUSAL_CODES,
  refusedColumn,
  ROUTE,
  STATUS_CLASSES,
  THREAD,
} from '../../shared/metrics/layout.ts';
import type { BlockSums } from './block-sums.ts';
import { counter, gauge, histogram } from './definition.ts';
import type { MetricDefinition, Sample } from './definition.ts';
import type { MetricParts } from './parts.ts';

/** Exchanges with clients. */
export function httpMetrics(
  sums: BlockSums,
  parts: Pick<MetricParts, 'memory' | 'threads' | 'front'>,
): MetricDefinition[] {
  const { memory, threads, front } = parts;
  const routes = () => sums.rows('route');

  /** `kind`: 0 all, 1 5xx, 2 429; the same label sets for each. */
  const requests = (kind: 0 | 1 | 2) => (): Sample[] =>
    routes().flatMap(({ name, row, start }) =>
      METHODS.flatMap((method) => {
        const index = start + firstRequestColumn(method);
        const value = sums.at(index + kind);
        // Asked with `all`, which is never 0 where the other two are not.
        const shown = memory.requestSeries.has(row, method) || sums.at(index) > 0;
        return shown ? [{ labels: { route: name, method }, value }] : [];
      }),
    );
  const perRoute = (column: number) => (): Sample[] =>
    routes().map(({ name, start }) => ({ labels: { route: name }, value: sums.at(start + column) }));
  const overThreads = (key: 'inFlight' | 'openConnections') => (): number =>
    threads.status().reduce((sum, thread) => sum + thread[key], 0);

  return [
    // Parts before the whole: requests go on being counted while these are read, and no part may exceed the whole.
    counter('http_requests_5xx_total', 'Requests answered with a status of 500 or more.', requests(1)),
    counter('http_requests_429_total', 'Requests answered with 429.', requests(2)),
    counter(
      'http_requests_total',
      'Requests that have ended, however they ended. Route (none): no route took them; (probe): /health and /ready; (preflight): of CORS.',
      requests(0),
    ),
    counter(
      'http_responses_total',
      'Requests that have ended, by the first digit of the answer; none: the client left before it.',
      () =>
        routes().flatMap(({ name, start }) =>
          STATUS_CLASSES.map((statusClass, i) => ({
            labels: { route: name, status_class: statusClass },
            value: sums.at(start + ROUTE.responses + i),
          })),
        ),
    ),
    counter(
      'auth_decisions_total',
      'Requests of routes that authenticate, by how they proved who they are (none: not at all) and what came of it.',
      () =>
        routes().flatMap(({ name, start }) =>
          AUTH_METHODS.flatMap((method) =>
            AUTH_OUTCOMES.flatMap((outcome) => {
              const value = sums.at(start + authColumn(method, outcome));
              return value > 0 ? [{ labels: { route: name, method, outcome }, value }] : [];
            }),
          ),
        ),
    ),
    counter(
      'authorizer_decisions_total',
      'Requests of routes that ask an authorizer, by what came of it; passed: it gave no answer, and the route lets pass then.',
      () =>
        routes().flatMap(({ name, start }) =>
          AUTHORIZER_OUTCOMES.flatMap((outcome) => {
            const value = sums.at(start + authorizerColumn(outcome));
            return value > 0 ? [{ labels: { route: name, outcome }, value }] : [];
          }),
        ),
    ),
    counter('authorizer_cache_hits_total', 'Of them those for which the answer was known without asking.', () =>
      routes().flatMap(({ name, start }) => {
        const value = sums.at(start + ROUTE.authorizerCacheHits);
        return value > 0 ? [{ labels: { route: name }, value }] : [];
      }),
    ),
    counter('route_mirrored_total', 'Copies of requests; dropped: it would have cost somebody something.', () =>
      routes().flatMap(({ name, start }) => {
        const sent = sums.at(start + ROUTE.mirrored);
        const dropped = sums.at(start + ROUTE.mirrorDropped);
        if (sent + dropped === 0) return [];
        return [
          { labels: { route: name, outcome: 'sent' }, value: sent },
          { labels: { route: name, outcome: 'dropped' }, value: dropped },
        ];
      }),
    ),
    counter('auth_cache_hits_total', 'Credentials that were known without being verified.', () =>
      sums.at(THREAD.authCacheHits),
    ),
    histogram(
      {
        name: 'http_request_duration_seconds',
        help: 'From the end of the request header to the last byte of the answer, as the gateway sees it.',
      },
      () =>
        routes().map(({ name, start }) => ({
          labels: { route: name },
          sums: sums.histogram(start + ROUTE.duration, DURATION_EDGES_SECONDS),
        })),
    ),
    counter('http_request_body_bytes_total', 'Bytes of request bodies received.', perRoute(ROUTE.bytesReceived)),
    counter('http_response_body_bytes_total', 'Bytes of response bodies sent.', perRoute(ROUTE.bytesSent)),
    counter(
      'http_refused_total',
      'Connections and requests that were refused before any route was asked, and connections that we closed, by why.',
      () =>
        REFUSAL_CODES.map((code) => ({
          labels: { code },
          value: sums.at(refusedColumn(code)) + front.refused(code),
        })),
    ),
    gauge('http_accepting', '0 while clients wait in the kernel, because there are no descriptors.', () =>
      front.problem === '' ? 1 : 0,
    ),
    gauge('http_streams', 'Answers that have been coming for 10 s and have left the counts of their pool.', () =>
      sums.at(THREAD.streams),
    ),
    counter(
      'http_streams_refused_total',
      'Answers that have been coming for 10 s and stayed in their pool: MAX_STREAMS, or the share of their client.',
      () => sums.at(THREAD.streamsRefused),
    ),
    gauge('http_requests_in_flight', 'Requests that have not ended.', overThreads('inFlight')),
    gauge('http_connections_open', 'Open connections of clients.', overThreads('openConnections')),
  ];
}
