import { DURATION_EDGES_SECONDS } from '../../shared/metrics/histogram.ts';
import { RETRY_REASONS, retryColumn, STATUS_CLASSES, UPSTREAM } from '../../shared/metrics/layout.ts';
import type { BlockSums } from './block-sums.ts';
import { counter, gauge, histogram } from './definition.ts';
import type { MetricDefinition, Sample } from './definition.ts';
import type { MetricParts } from './parts.ts';
import { BREAKER_KINDS } from './transition-counts.ts';

/** Exchanges and connections with upstreams. */
export function upstreamMetrics(sums: BlockSums): MetricDefinition[] {
  const upstreams = () => sums.rows('upstream');
  const perUpstream = (column: number) => (): Sample[] =>
    upstreams().map(({ name, start }) => ({ labels: { upstream: name }, value: sums.at(start + column) }));
  const connections = (): Sample[] =>
    upstreams().flatMap(({ name, start }) => [
      { labels: { upstream: name, state: 'open' }, value: sums.at(start + UPSTREAM.connectionsOpen) },
      { labels: { upstream: name, state: 'idle' }, value: sums.at(start + UPSTREAM.connectionsIdle) },
    ]);
  return [
    counter(
      'upstream_requests_total',
      'Requests written to an upstream, repeated ones included.',
      perUpstream(UPSTREAM.requests),
    ),
    counter(
      'upstream_responses_total',
      'Answers of an upstream by their first digit; none: the request failed or was given up.',
      () =>
        upstreams().flatMap(({ name, start }) =>
          STATUS_CLASSES.map((statusClass, i) => ({
            labels: { upstream: name, status_class: statusClass },
            value: sums.at(start + UPSTREAM.responses + i),
          })),
        ),
    ),
    histogram(
      {
        name: 'upstream_request_duration_seconds',
        help: "From the request being sent to the end of the answer's header.",
      },
      () =>
        upstreams().map(({ name, start }) => ({
          labels: { upstream: name },
          sums: sums.histogram(start + UPSTREAM.duration, DURATION_EDGES_SECONDS),
        })),
    ),
    counter(
      'upstream_retries_total',
      'Requests sent once more; stale: a kept connection had closed, which costs no budget.',
      () =>
        upstreams().flatMap(({ name, start }) =>
          RETRY_REASONS.map((reason) => ({
            labels: { upstream: name, reason },
            value: sums.at(start + retryColumn(reason)),
          })),
        ),
    ),
    counter(
      'upstream_retry_budget_exhausted_total',
      'Requests that would have been sent once more, had the budget of their upstream allowed it.',
      perUpstream(UPSTREAM.retriesRefused),
    ),
    counter(
      'upstream_connect_failures_total',
      'Connections to an upstream that could not be opened.',
      perUpstream(UPSTREAM.connectFailures),
    ),
    counter(
      'upstream_own_shortages_total',
      'Of them those that this machine had no descriptor, memory or local port for.',
      perUpstream(UPSTREAM.ownShortages),
    ),
    gauge('upstream_connections', 'Connections to an upstream: all open ones, and those of them at rest.', connections),
    gauge('upstream_queue_length', 'Requests that wait for a connection.', perUpstream(UPSTREAM.queued)),
  ];
}

const STATE_VALUE = { CLOSED: 1, OPEN: 2, HALF_OPEN: 3 } as const;

/** Circuit breakers. */
export function breakerMetrics(sums: BlockSums, control: MetricParts['control']): MetricDefinition[] {
  const perUpstream = (column: number) => (): Sample[] =>
    sums.rows('upstream').map(({ name, start }) => ({ labels: { upstream: name }, value: sums.at(start + column) }));
  return [
    gauge('circuit_breaker_state', '1 CLOSED, 2 OPEN, 3 HALF_OPEN, as this node sees it.', () =>
      control.breakers().map(({ upstream, state }) => ({ labels: { upstream }, value: STATE_VALUE[state] })),
    ),
    gauge('circuit_breaker_forced', '1 while an operator holds the breaker OPEN or CLOSED.', () =>
      control.breakers().map(({ upstream, forced }) => ({
        labels: { upstream },
        value: forced === undefined || forced === null ? 0 : 1,
      })),
    ),
    counter('circuit_breaker_transitions_total', 'Changes into a state that this node went through.', () =>
      sums
        .rows('upstream')
        .flatMap(({ name }) =>
          BREAKER_KINDS.map((to) => ({ labels: { upstream: name, to }, value: control.transitions.of(name, to) })),
        ),
    ),
    counter(
      'circuit_breaker_refused_total',
      'Requests that the breaker refused; in shadow mode those that it would have.',
      perUpstream(UPSTREAM.breakerRefused),
    ),
    counter(
      'circuit_breaker_probes_total',
      'Requests let through to find out whether the upstream is well again.',
      perUpstream(UPSTREAM.breakerProbes),
    ),
  ];
}
