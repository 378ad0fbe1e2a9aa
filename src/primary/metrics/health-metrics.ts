import type { ProbeCause } from '../../shared/health/messages.ts';
import { counter, gauge } from './definition.ts';
import type { MetricDefinition } from './definition.ts';

/** What of the health probes the metrics read. */
export interface HealthFacts {
  /** Probes this node has made, by what they found. */
  readonly counts: ReadonlyMap<ProbeCause, number>;
  /** How long ago the target was probed that it is longest ago for. */
  readonly ageMs: number | undefined;
  /** Some upstream is probed. */
  readonly probes: boolean;
  upstreams(): readonly { readonly upstream: string; readonly panic: boolean }[];
  /** Those that are probed or may be ejected. */
  targets(): readonly { readonly upstream: string; readonly target: string; readonly up: boolean }[];
}

export interface EjectionFacts {
  counts(): readonly {
    readonly upstream: string;
    readonly reason: string;
    readonly mode: string;
    readonly count: number;
  }[];
}

/** Health of targets by probes and requests; of probes nothing where no upstream is probed. */
export function healthMetrics(health: HealthFacts, ejections: EjectionFacts): MetricDefinition[] {
  const isOff = (): boolean => !health.probes;
  return [
    gauge(
      'upstream_target_up',
      '1 while probes find this target well, whoever in the cluster makes them, and this node has not ejected it.',
      () => health.targets().map(({ upstream, target, up }) => ({ labels: { upstream, target }, value: Number(up) })),
    ),
    gauge(
      'upstream_panic',
      '1 while probes and ejections leave fewer than half of the targets, so that this node uses all.',
      () => health.upstreams().map(({ upstream, panic }) => ({ labels: { upstream }, value: Number(panic) })),
    ),
    counter(
      'upstream_target_ejections_total',
      'Targets that this node has left out because they kept failing, by what the last failure was; shadow: would have.',
      () => ejections.counts().map(({ count, ...labels }) => ({ labels, value: count })),
    ),
    counter('health_probes_total', 'Probes that this node has made, by what they found.', () =>
      isOff() ? undefined : [...health.counts].map(([outcome, value]) => ({ labels: { outcome }, value })),
    ),
    gauge('health_age_seconds', 'How long ago the target was probed that it is longest ago for, by whomever.', () =>
      health.ageMs === undefined ? undefined : Math.round(health.ageMs) / 1000,
    ),
  ];
}
