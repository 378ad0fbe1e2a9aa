import { Redis } from 'ioredis';
import { ANY_REDIS, redisCredentials, redisFailure } from '../../redis/connection.ts';
import { showServer } from './redis-server-at.ts';
import type { RedisServerAt } from './redis-server-at.ts';

const CONNECT_WITHIN_MS = 5_000;
/** Longer than any script or slow command that a gateway's Redis should have. */
const ANSWER_WITHIN_MS = 30_000;
/** A server of our own has the lowest priority: on a busy machine it is slow, and whoever stops us ends it. */
const OWN_ANSWER_WITHIN_MS = 600_000;

/** A connection for questions, which is not made anew when it breaks: a backup that fails is tried again as a whole. */
export interface RedisTalk extends AsyncDisposable {
  readonly redis: Redis;
}

/**
 * Connects and logs in.
 * @param database number of the logical one
 * @throws {Error} when the server cannot be reached or does not let us in
 */
export async function talkTo(server: RedisServerAt, signal: AbortSignal, database = 0): Promise<RedisTalk> {
  const redis = new Redis({
    ...ANY_REDIS,
    ...redisCredentials(server.config),
    host: server.host,
    port: server.port,
    db: database,
    lazyConnect: true,
    connectTimeout: CONNECT_WITHIN_MS,
    commandTimeout: ANSWER_WITHIN_MS,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  return connected(redis, showServer(server), signal);
}

/** The same on a unix socket without a login. */
export async function talkOnSocket(path: string, signal: AbortSignal): Promise<RedisTalk> {
  const redis = new Redis({
    ...ANY_REDIS,
    path,
    lazyConnect: true,
    commandTimeout: OWN_ANSWER_WITHIN_MS,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  return connected(redis, path, signal);
}

async function connected(redis: Redis, name: string, signal: AbortSignal): Promise<RedisTalk> {
  let last: Error | undefined;
  redis.on('error', (error) => (last = error));
  const abort = (): void => redis.disconnect();
  signal.addEventListener('abort', abort, { once: true });
  const leave = (): void => {
    signal.removeEventListener('abort', abort);
    redis.disconnect();
  };
  try {
    signal.throwIfAborted();
    await redis.connect();
  } catch (error) {
    leave();
    signal.throwIfAborted();
    throw new Error(`${name} cannot be asked: ${redisFailure(last ?? (error as Error))}`, { cause: error });
  }
  return {
    redis,
    [Symbol.asyncDispose]: async () => leave(),
  };
}

/** A field of INFO; `undefined` where it is not told. */
export const infoField = (info: string, field: string): string | undefined =>
  new RegExp(`^${field}:(.*?)\\r?$`, 'm').exec(info)?.[1];
