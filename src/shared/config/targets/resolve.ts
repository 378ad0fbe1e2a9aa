import type { EnvValues } from '../env-table.ts';
import { toMs } from '../numbers.ts';
import type { EjectionConfig } from '../types.ts';
import { EJECTION_DEFAULTS } from './yaml.ts';
import type { EjectionYaml } from './yaml.ts';

/** Values that have passed every check. @returns undefined: no target is ever ejected */
export function resolveEjection(
  env: EnvValues,
  own: EjectionYaml,
  targets: { readonly length: number },
): EjectionConfig | undefined {
  const mode = own.mode ?? env.TARGET_EJECTION;
  if (mode === 'off' || targets.length < 2) return undefined;
  return {
    mode,
    consecutive: own.consecutive ?? EJECTION_DEFAULTS.consecutive,
    baseMs: toMs(own.seconds ?? EJECTION_DEFAULTS.seconds),
    maxPercent: own.max_percent ?? EJECTION_DEFAULTS.max_percent,
  };
}
