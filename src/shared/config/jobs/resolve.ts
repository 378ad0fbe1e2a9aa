import type { EnvValues } from '../env-table.ts';
import { resolveRedis } from '../redis/resolve.ts';
import type { ReadFile } from '../text-file.ts';
import type { JobsConfig, RedisConfig, RedisMode } from '../types.ts';

/** What JOBS_REDIS_URL names: a single address is a single server, whatever Redis the limits have. */
export const jobsRedisMode = (nodes: readonly unknown[], mode: RedisMode): RedisMode =>
  nodes.length === 1 ? 'standalone' : mode;

/** @param redis that of REDIS_URL, which the jobs use too where they have none of their own */
export function resolveJobs(env: EnvValues, readFile: ReadFile, redis: RedisConfig | undefined): JobsConfig {
  const { JOBS: mode, JOBS_REDIS_URL: url } = env;
  if (url === undefined) return { mode, redis };
  const own = {
    ...env,
    REDIS_URL: url,
    REDIS_MODE: jobsRedisMode(url.nodes, env.REDIS_MODE),
    // The login of another Redis is none of its business.
    REDIS_USERNAME: undefined,
    REDIS_PASSWORD: undefined,
    REDIS_TLS_CA_FILE: url.tls ? env.REDIS_TLS_CA_FILE : undefined,
  };
  return { mode, redis: resolveRedis(own, readFile) };
}
