import type { EnvValues } from '../env-table.ts';
import type { ReadFile } from '../text-file.ts';
import type { RedisConfig } from '../types.ts';

const REDIS_PORT = 6379;
const SENTINEL_PORT = 26_379;

/** Redis as the environment names it, with the certificates as they are now; `undefined` without REDIS_URL. */
export function resolveRedis(env: EnvValues, readFile: ReadFile): RedisConfig | undefined {
  const { REDIS_URL: url, REDIS_MODE: mode } = env;
  if (url === undefined) return undefined;
  const isSentinel = mode === 'sentinel';
  const nodes = url.nodes.map(({ host, port }) => ({
    host,
    port: port ?? (isSentinel ? SENTINEL_PORT : REDIS_PORT),
  }));
  const database = url.database ?? 0;
  const scheme = url.tls ? 'rediss' : 'redis';
  const path = database === 0 ? '' : `/${database}`;
  return {
    url: nodes
      .map(({ host, port }) => `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}${path}`)
      .join(','),
    mode,
    nodes,
    tls: url.tls,
    database,
    username: env.REDIS_USERNAME ?? url.username,
    password: env.REDIS_PASSWORD ?? url.password,
    tlsCaFile: env.REDIS_TLS_CA_FILE,
    tlsCa: env.REDIS_TLS_CA_FILE === undefined ? undefined : readFile(env.REDIS_TLS_CA_FILE),
    sentinelMaster: isSentinel ? (env.REDIS_SENTINEL_MASTER ?? 'mymaster') : undefined,
    sentinelUsername: env.REDIS_SENTINEL_USERNAME,
    sentinelPassword: env.REDIS_SENTINEL_PASSWORD,
  };
}
