import type { SplitAnswer } from '../../shared/admin/splits.ts';
import { gauge } from './definition.ts';
import type { MetricDefinition } from './definition.ts';

/** Routes whose clients are divided among upstreams. */
export const splitMetrics = (splits: () => readonly SplitAnswer[]): MetricDefinition[] => [
  gauge(
    'route_split_weight',
    'Share of clients of a route that an upstream gets beside the others, as it is now.',
    () =>
      splits().flatMap(({ route, sides }) =>
        sides.map(({ upstream, weight }) => ({ labels: { route, upstream }, value: weight })),
      ),
  ),
];
