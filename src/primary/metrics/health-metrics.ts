import type { ProbeCause } from '../../shared/health/messages.ts';
import { counter, gauge } from './definition.ts';
import type { MetricDefinition } from './definition.ts';

/** What of the health probes the metrics read. */
export interface HealthFacts {
  /** Probes this node has made, by what they found. */
  readonly counts: ReadonlyMap<ProbeCause, number>;
  /** How long ago the target was probed that it is longest ago for. */
  readonly ageMs: number | undefined;
  upstreams(): readonly { readonly upstream: string; readonly panic: boolean }[];
  /** Those that are probed. */
  targets(): readonly { readonly upstream: string; readonly target: string; readonly up: boolean }[];
}

/** Health probes; nothing where no upstream is probed. */
export function healthMetrics(health: HealthFacts): MetricDefinition[] {
  const isOff = (): boolean => health.upstreams().length === 0;
  return [
    gauge('upstream_target_up', 'Whether probes find this target well, whoever in the cluster makes them.', () =>
      health.targets().map(({ upstream, target, up }) => ({ labels: { upstream, target }, value: Number(up) })),
    ),
    gauge('upstream_panic', '1 while probes leave fewer than half of the targets, so that this node uses all.', () =>
      health.upstreams().map(({ upstream, panic }) => ({ labels: { upstream }, value: Number(panic) })),
    ),
    counter('health_probes_total', 'Probes that this node has made, by what they found.', () =>
      isOff() ? undefined : [...health.counts].map(([outcome, value]) => ({ labels: { outcome }, value })),
    ),
    gauge('health_age_seconds', 'How long ago the target was probed that it is longest ago for, by whomever.', () =>
      health.ageMs === undefined ? undefined : Math.round(health.ageMs) / 1000,
    ),
  ];
}
