import { SHED_REASONS, shedColumn } from '../../shared/metrics/layout.ts';
import { PRIORITIES } from '../../shared/overload/priority.ts';
import type { Priority } from '../../shared/overload/priority.ts';
import type { BlockSums } from './block-sums.ts';
import { counter, gauge } from './definition.ts';
import type { MetricDefinition, Sample } from './definition.ts';
import type { MetricParts } from './parts.ts';

/** What is refused because more comes than can be served, and what is nearest to that. */
export function overloadMetrics(
  sums: BlockSums,
  { concurrency, front }: Pick<MetricParts, 'concurrency' | 'front'>,
): MetricDefinition[] {
  const perUpstream = (key: 'max' | 'inFlight') => (): Sample[] =>
    concurrency.views().map((view) => ({ labels: { upstream: view.upstream }, value: view[key] }));
  const shed = (): Sample[] => [
    ...SHED_REASONS.flatMap((reason) =>
      PRIORITIES.map((priority, place) => ({
        labels: { reason, priority },
        value: sums.at(shedColumn(reason, place as Priority)),
      })),
    ),
    { labels: { reason: 'connect_rate', priority: 'none' }, value: front.refusedByRate },
  ];
  return [
    counter(
      'shed_total',
      'Requests refused because more came than could be served. upstream: too many for it; client: too many of one client; loop: the thread is late; connect_rate: connections, which have no priority.',
      shed,
    ),
    gauge(
      'upstream_concurrency_limit',
      'Requests of this node that may be under way at an upstream; only where there is a limit.',
      perUpstream('max'),
    ),
    gauge(
      'upstream_in_flight',
      'Requests of this node under way at an upstream, until the header of the answer; only where there is a limit.',
      perUpstream('inFlight'),
    ),
  ];
}
