import type { RedisOptions } from 'ioredis';
import type { RedisConfig } from '../config/types.ts';
import { failureText } from '../net/failure-text.ts';

/** ioredis 6 types its clients by `replyMapping`; nothing here sets it, so leaving it out keeps the plain client. */
export type RedisSettings = Omit<RedisOptions, 'replyMapping' | 'himportFieldsets'>;

/** What ioredis adds where it cannot read an answer. */
const NOT_READ = /\. Please report this\.?$/;

/**
 * What a connection failed with, in one line for log and `/health`; never empty. A cluster's own error only says that no
 * node is left, and names the last one's beside it.
 */
export function redisFailure(error: Error & { readonly lastNodeError?: Error }): string {
  const said = failureText(error.lastNodeError ?? error);
  return NOT_READ.test(said) ? `what answers there is no Redis: ${said.replace(NOT_READ, '')}` : said;
}

/** What every connection of the gateway has in common, whatever it is for. */
export const ANY_REDIS = {
  // ioredis asks INFO before it calls a connection ready; where that is renamed or forbidden it never would. A server that
  // is still loading says so to each command.
  enableReadyCheck: false,
  // How long `disconnect` waits for the other end to close, and keeps the process where that has gone or hangs.
  disconnectTimeout: 100,
  // A failover leaves us on the old primary, now a replica: connect anew, but send nothing a second time.
  reconnectOnError: (error: Error): 1 | false => (error.message.startsWith('READONLY') ? 1 : false),
} as const satisfies RedisSettings;

/** A Sentinel that says nothing is given up, and the next one asked. */
const SENTINEL_WITHIN_MS = 1_000;
const SENTINELS_AGAIN_MS = 500;

/** Credentials and TLS: what every server of a deployment is asked with. */
export function redisCredentials(config: RedisConfig): Pick<RedisSettings, 'username' | 'password' | 'tls'> {
  return {
    ...(config.username === undefined ? {} : { username: config.username }),
    ...(config.password === undefined ? {} : { password: config.password }),
    ...(config.tls ? { tls: config.tlsCa === undefined ? {} : { ca: config.tlsCa } } : {}),
  };
}

/** Where a single Redis is, or the primary that Sentinel names. Not for `cluster`, which has many primaries. */
export function redisAddress(config: RedisConfig): RedisSettings {
  const credentials = redisCredentials(config);
  const [first] = config.nodes;
  if (config.mode === 'sentinel') {
    return {
      ...credentials,
      ...(config.sentinelUsername === undefined ? {} : { sentinelUsername: config.sentinelUsername }),
      ...(config.sentinelPassword === undefined ? {} : { sentinelPassword: config.sentinelPassword }),
      sentinels: config.nodes.map(({ host, port }) => ({ host, port })),
      name: config.sentinelMaster ?? 'mymaster',
      sentinelCommandTimeout: SENTINEL_WITHIN_MS,
      sentinelRetryStrategy: () => SENTINELS_AGAIN_MS,
      // ioredis uses `tls` for neither the Sentinels nor the primary they name unless it is told so.
      ...(credentials.tls === undefined ? {} : { sentinelTLS: credentials.tls, enableTLSForSentinelMode: true }),
      db: config.database,
    };
  }
  return { ...credentials, host: first?.host ?? '127.0.0.1', port: first?.port ?? 6379, db: config.database };
}
