import type { EnvValues } from '../env-table.ts';
import { toMs } from '../numbers.ts';
import { parseBalance } from './balance.ts';
import type { BalanceConfig, EjectionConfig, TargetConfig } from '../types.ts';
import { parseTargets } from '../upstreams/target-url.ts';
import { EJECTION_DEFAULTS } from './yaml.ts';
import type { EjectionYaml, TargetYaml } from './yaml.ts';

export const urlOf = (target: TargetYaml): string => (typeof target === 'string' ? target : target.url);

/** Values that have passed every check. */
export function resolveTargets(own: readonly TargetYaml[]): readonly TargetConfig[] {
  const parsed = parseTargets(own.map(urlOf));
  if (!parsed.ok) return [];
  return parsed.value.map((target, i) => {
    const said = own[i];
    return typeof said !== 'object' || said.weight === undefined ? target : { ...target, weight: said.weight };
  });
}

/** A value that has passed every check. */
export function resolveBalance(by: string | undefined): BalanceConfig | undefined {
  const parsed = parseBalance(by ?? 'p2c');
  return parsed.ok ? parsed.value : undefined;
}

/** Values that have passed every check. @returns undefined: no target is ever ejected */
export function resolveEjection(
  env: EnvValues,
  { eject: own = {}, resolve }: { readonly eject?: EjectionYaml | undefined; readonly resolve?: string | undefined },
  targets: { readonly length: number },
): EjectionConfig | undefined {
  const mode = own.mode ?? env.TARGET_EJECTION;
  if (mode === 'off' || (targets.length < 2 && resolve !== 'all')) return undefined;
  return {
    mode,
    consecutive: own.consecutive ?? EJECTION_DEFAULTS.consecutive,
    baseMs: toMs(own.seconds ?? EJECTION_DEFAULTS.seconds),
    maxPercent: own.max_percent ?? EJECTION_DEFAULTS.max_percent,
  };
}
