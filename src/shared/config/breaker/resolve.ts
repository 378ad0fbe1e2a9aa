import { DEFAULT_OUTCOME_RULE } from '../../breaker/outcome.ts';
import { DEFAULT_RULE } from '../../breaker/rule.ts';
import type { BreakerRule, BreakerWindow } from '../../breaker/rule.ts';
import type { EnvValues } from '../env-table.ts';
import { toMs } from '../numbers.ts';
import type { BreakerConfig } from '../types.ts';
import type { BreakerYaml } from './yaml.ts';

const resolveRule = (env: EnvValues, own: BreakerYaml): BreakerRule => ({
  ...DEFAULT_RULE,
  failureThreshold: own.failure_threshold ?? env.CIRCUIT_BREAKER_FAILURE_THRESHOLD,
  resetTimeoutMs: toMs(own.reset_timeout_seconds ?? env.CIRCUIT_BREAKER_RESET_TIMEOUT_SECONDS),
  halfOpenSuccesses: own.half_open_success_threshold ?? env.CIRCUIT_BREAKER_HALF_OPEN_SUCCESS_THRESHOLD,
  openFactor: own.open_factor ?? env.CIRCUIT_BREAKER_OPEN_FACTOR,
  openCapMs: toMs(own.open_cap_seconds ?? env.CIRCUIT_BREAKER_OPEN_CAP_SECONDS),
  minNodes: own.min_nodes ?? env.CIRCUIT_BREAKER_MIN_NODES,
});

const resolveWindow = (env: EnvValues, own: NonNullable<BreakerYaml['window']>): BreakerWindow => ({
  windowMs: toMs(own.seconds ?? env.CIRCUIT_BREAKER_WINDOW_SECONDS),
  minVolume: own.min_volume ?? env.CIRCUIT_BREAKER_MIN_REQUESTS,
  errorRate: own.error_rate ?? env.CIRCUIT_BREAKER_ERROR_RATE,
  slowRate: own.slow_rate ?? 0,
});

/** @param own what the YAML says of this upstream; `{}` = nothing */
export const resolveBreaker = (env: EnvValues, own: BreakerYaml): BreakerConfig => ({
  mode: own.mode ?? env.CIRCUIT_BREAKER,
  rule: resolveRule(env, own),
  window: resolveWindow(env, own.window ?? {}),
  statuses: [...new Set(own.failure_statuses ?? DEFAULT_OUTCOME_RULE.statuses)],
  slowMs: toMs(own.slow_seconds ?? 0),
  probe: own.probe ?? 'requests',
});
