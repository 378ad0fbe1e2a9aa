import type { EnvValues } from '../env-table.ts';
import { toMs } from '../numbers.ts';
import type { RepeatedFailure, RetriesConfig, RetryBudgetConfig } from './types.ts';
import { BUDGET_DEFAULTS, RETRIES_DEFAULTS } from './yaml.ts';
import type { RetriesYaml, RetryBudgetYaml } from './yaml.ts';

/** Values that have passed every check. @returns undefined: nothing is repeated but what always is */
export function resolveRetries(env: EnvValues, own: RetriesYaml = {}): RetriesConfig | undefined {
  const attempts = own.attempts ?? env.RETRIES;
  if (attempts === 0) return undefined;
  const on: readonly (RepeatedFailure | number)[] = own.on ?? RETRIES_DEFAULTS.on;
  return {
    attempts,
    failures: on.filter((cause) => typeof cause === 'string'),
    statuses: on.filter((cause) => typeof cause === 'number'),
    perTryMs: toMs(own.per_try_seconds ?? 0),
    anyMethod: own.idempotent ?? false,
  };
}

/** Values that have passed every check. */
export const resolveRetryBudget = (env: EnvValues, own: RetryBudgetYaml = {}): RetryBudgetConfig => ({
  percent: own.percent ?? env.RETRY_BUDGET_PERCENT,
  minPerSecond: own.min_per_second ?? BUDGET_DEFAULTS.min_per_second,
  windowMs: toMs(own.window_seconds ?? BUDGET_DEFAULTS.window_seconds),
});
