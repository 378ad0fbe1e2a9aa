import { counter, gauge } from '../../metrics/definition.ts';
import type { MetricDefinition } from '../../metrics/definition.ts';
import { REFUSALS } from './config-version.ts';
import type { ConfigVersions } from './config-versions.ts';

/** Versions of the configuration; absent where it comes from files. */
export function versionMetrics({ store, book, refusals }: Pick<ConfigVersions, 'store' | 'book' | 'refusals'>) {
  if (store === 'files') return [];
  const metrics: MetricDefinition[] = [
    gauge(
      'gateway_config_stored_version',
      'Version of the configuration that was pushed last; 0 = none was.',
      () => book.number,
    ),
    counter('gateway_config_versions_refused_total', 'Versions and proposals that were not believed.', () =>
      REFUSALS.map((reason) => ({ labels: { reason }, value: refusals.get(reason) ?? 0 })),
    ),
  ];
  return metrics;
}
