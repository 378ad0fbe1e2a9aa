import { createHash } from 'node:crypto';
import { resolveBreaker } from '../breaker/resolve.ts';
import { resolveHealth } from '../health/resolve.ts';
import { resolveBalance, resolveEjection, resolveTargets } from '../targets/resolve.ts';
import { resolveRetryBudget } from '../retries/resolve.ts';
import type { EnvValues } from '../env-table.ts';
import { toMs } from '../numbers.ts';
import { resolveBeside } from '../text-file.ts';
import type { ReadFile } from '../text-file.ts';
import type { TargetConfig, UpstreamConfig, UpstreamTlsConfig } from '../types.ts';
import type { UpstreamYaml } from '../yaml-schema.ts';

/** The same with a digest of the file of certificates that it trusts. */
export function withCaDigest(upstream: UpstreamConfig, readFile: ReadFile): UpstreamConfig {
  const { caFile } = upstream.tls;
  if (caFile === undefined) return upstream;
  const caDigest = createHash('sha256').update(readFile(caFile)).digest('hex');
  return { ...upstream, tls: { ...upstream.tls, caDigest } };
}

/** The upstream that UPSTREAM_URL sets. */
export const DEFAULT_UPSTREAM = 'default';
const NO_TLS_SETTINGS: UpstreamTlsConfig = { caFile: undefined, serverName: undefined, verify: true };

/** @param yamlFile that the upstream stands in: files it names lie beside it */
export function resolveUpstream(
  env: EnvValues,
  yamlFile: string,
  [name, own]: readonly [string, UpstreamYaml],
): UpstreamConfig {
  const targets = resolveTargets(own.targets ?? [own.url ?? '']);
  const tls = own.tls ?? {};
  return {
    name,
    targets,
    connections: own.connections ?? env.UPSTREAM_CONNECTIONS,
    queue: own.queue ?? env.UPSTREAM_QUEUE,
    idleMs: toMs(own.idle_timeout_seconds ?? env.UPSTREAM_IDLE_TIMEOUT_SECONDS),
    pipelining: own.pipelining ?? env.UPSTREAM_PIPELINING,
    maxAgeMs: toMs(own.max_age_seconds ?? env.UPSTREAM_MAX_AGE_SECONDS),
    maxHeaderBytes: own.max_header_bytes ?? env.UPSTREAM_MAX_HEADER_BYTES,
    tls: {
      caFile: tls.ca_file === undefined ? undefined : resolveBeside(yamlFile, tls.ca_file),
      serverName: tls.server_name,
      verify: tls.verify ?? true,
    },
    breaker: resolveBreaker(env, own.circuit_breaker ?? {}),
    health: own.health === undefined ? undefined : resolveHealth(own.health),
    ejection: resolveEjection(env, own, targets),
    slowStartMs: toMs(own.slow_start_seconds ?? 0),
    resolveAllMs: own.resolve === 'all' ? toMs(env.DNS_REFRESH_SECONDS) : 0,
    balance: resolveBalance(own.balance?.by),
    retryBudget: resolveRetryBudget(env, own.retry_budget),
    concurrency: own.concurrency?.max ?? env.UPSTREAM_CONCURRENCY,
  };
}

export const resolveDefaultUpstream = (env: EnvValues, targets: readonly TargetConfig[]): UpstreamConfig => ({
  name: DEFAULT_UPSTREAM,
  targets,
  connections: env.UPSTREAM_CONNECTIONS,
  queue: env.UPSTREAM_QUEUE,
  idleMs: toMs(env.UPSTREAM_IDLE_TIMEOUT_SECONDS),
  pipelining: env.UPSTREAM_PIPELINING,
  maxAgeMs: toMs(env.UPSTREAM_MAX_AGE_SECONDS),
  maxHeaderBytes: env.UPSTREAM_MAX_HEADER_BYTES,
  tls: NO_TLS_SETTINGS,
  breaker: resolveBreaker(env, {}),
  health: env.HEALTH_PATH === undefined ? undefined : resolveHealth({ path: env.HEALTH_PATH }),
  ejection: resolveEjection(env, {}, targets),
  slowStartMs: 0,
  resolveAllMs: 0,
  balance: undefined,
  retryBudget: resolveRetryBudget(env),
  concurrency: env.UPSTREAM_CONCURRENCY,
});

export const demoTarget = (port: number): TargetConfig => ({
  origin: `http://127.0.0.1:${port}`,
  secure: false,
  host: '127.0.0.1',
  port,
  basePath: '',
});
