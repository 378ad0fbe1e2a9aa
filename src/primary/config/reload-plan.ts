import type { BackupsConfig } from '../../shared/config/backups/types.ts';
import type { Config, RedisConfig, ServerConfig } from '../../shared/config/types.ts';
import type { LoadedTls } from './tls-files.ts';

/** Settings that a running front cannot change, under the names a person sets them by. */
const FIXED = {
  front: 'FRONT',
  host: 'HOST',
  port: 'PORT',
  adminHost: 'ADMIN_HOST',
  adminPort: 'ADMIN_PORT',
  workers: 'WORKERS',
  stateDir: 'STATE_DIR',
  // uWS reads its limit once per process.
  maxHeaderBytes: 'MAX_HEADER_BYTES',
} as const satisfies Partial<Record<keyof ServerConfig, string>>;

/** A configuration with the files that TLS is made of as they were read. */
export interface LoadedConfig {
  readonly config: Config;
  /** `undefined` without TLS. */
  readonly tls: LoadedTls | undefined;
}

export interface ReloadPlan {
  /** The new configuration, with what cannot change left as it was. */
  readonly loaded: LoadedConfig;
  /** Settings that differ and are only taken up by a restart. */
  readonly needsRestart: readonly string[];
  /** Redis with another password or other certificates, where they are other ones. */
  readonly newRedisLogin: RedisConfig | undefined;
  /** What differs is fixed for the life of a thread, so each is replaced. */
  readonly replaceThreads: boolean;
}

/** What a reload would do to a running gateway. */
export function planReload(running: LoadedConfig, next: LoadedConfig): ReloadPlan {
  const old = running.config.server;
  const wanted = next.config.server;
  const fixed = Object.keys(FIXED) as (keyof typeof FIXED)[];
  const needsRestart: string[] = fixed.filter((key) => old[key] !== wanted[key]).map((key) => FIXED[key]);
  // The acceptor is a TLS app or it is not, and its threads must be the same.
  const tlsSwitched = (old.tls === undefined) !== (wanted.tls === undefined);
  if (tlsSwitched) needsRestart.push('TLS_CERT_FILE');
  // Connections and the node's name are made once; what Redis is shown is shown with the next handshake.
  const { node } = running.config;
  const redis = withLoginOf(running.config.redis, next.config.redis);
  if (!isSame(redis, next.config.redis)) needsRestart.push('REDIS_URL');
  const backups = withPlaceOf(running.config.backups, next.config.backups);
  if (backups !== next.config.backups) needsRestart.push('BACKUP_DIR');
  const jobsRedis = withLoginOf(running.config.jobs.redis, next.config.jobs.redis);
  if (next.config.jobs.mode !== running.config.jobs.mode) needsRestart.push('JOBS');
  if (!isSame(jobsRedis, next.config.jobs.redis) && isSame(redis, next.config.redis))
    needsRestart.push('JOBS_REDIS_URL');
  const jobs = Object.freeze({ mode: running.config.jobs.mode, redis: jobsRedis });
  if (node.name !== next.config.node.name) needsRestart.push('NODE_NAME');

  const { front, host, port, adminHost, adminPort, workers, stateDir, maxHeaderBytes } = old;
  const tls = tlsSwitched ? old.tls : wanted.tls;
  const server = { ...wanted, front, host, port, adminHost, adminPort, workers, stateDir, maxHeaderBytes, tls };
  const config = Object.freeze({ ...next.config, redis, jobs, backups, node, server: Object.freeze(server) });
  const loaded = { config, tls: tlsSwitched ? running.tls : next.tls };
  return {
    loaded,
    needsRestart,
    newRedisLogin: redis !== undefined && !isSame(redis, running.config.redis) ? redis : undefined,
    replaceThreads: appDiffers(running, loaded),
  };
}

const isSame = (a: RedisConfig | undefined, b: RedisConfig | undefined): boolean =>
  JSON.stringify(a) === JSON.stringify(b);

/** Whether backups are made decides which jobs there are; where to, when and how many is asked anew by each run. */
const withPlaceOf = (old: BackupsConfig, next: BackupsConfig): BackupsConfig =>
  (old.store === undefined) === (next.store === undefined) ? next : Object.freeze({ ...next, store: old.store });

/** The Redis that is in use with what the new configuration shows it, if that is meant for the same one. */
function withLoginOf(old: RedisConfig | undefined, next: RedisConfig | undefined): RedisConfig | undefined {
  if (old === undefined || next === undefined) return old;
  const { username, password, sentinelUsername, sentinelPassword, tlsCaFile, tlsCa } = next;
  const taken = { ...old, username, password, sentinelUsername, sentinelPassword, tlsCaFile, tlsCa };
  return isSame(taken, next) ? Object.freeze(taken) : old;
}

/** Whether something differs that an app of uWS takes once, when it is made. Our own front takes up everything. */
function appDiffers(running: LoadedConfig, next: LoadedConfig): boolean {
  const [old, wanted] = [running.config.server, next.config.server];
  if (old.idleTimeoutMs !== wanted.idleTimeoutMs) return true;
  return old.front === 'uws' && (running.tls?.digest !== next.tls?.digest || old.tls?.ciphers !== wanted.tls?.ciphers);
}
