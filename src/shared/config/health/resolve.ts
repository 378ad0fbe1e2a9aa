import { toMs } from '../numbers.ts';
import type { HealthConfig, StatusRange } from '../types.ts';
import { parseStatusRange } from './statuses.ts';
import { HEALTH_DEFAULTS } from './yaml.ts';
import type { HealthYaml } from './yaml.ts';

/** Values that have passed every check. */
export function resolveHealth(own: HealthYaml): HealthConfig {
  const intervalSeconds = own.interval_seconds ?? HEALTH_DEFAULTS.interval_seconds;
  return {
    path: own.path,
    intervalMs: toMs(intervalSeconds),
    timeoutMs: toMs(own.timeout_seconds ?? Math.min(HEALTH_DEFAULTS.timeout_seconds, intervalSeconds)),
    healthy: own.healthy ?? HEALTH_DEFAULTS.healthy,
    unhealthy: own.unhealthy ?? HEALTH_DEFAULTS.unhealthy,
    statuses: (own.statuses ?? HEALTH_DEFAULTS.statuses).flatMap(rangesOf),
  };
}

function rangesOf(status: number | string): readonly StatusRange[] {
  const parsed = parseStatusRange(String(status));
  return parsed.ok ? [parsed.value] : [];
}
