import type { Cluster, Redis } from 'ioredis';

export type RedisClient = Redis | Cluster;

/** How long a person waits at most for one question to Redis. */
const ANSWER_WITHIN_MS = 1_000;

/**
 * Asks Redis something that does no harm when it is asked twice or comes late.
 * @returns `undefined`: it cannot be reached, did not answer in time or refused
 */
export async function askRedis<T>(
  redis: RedisClient | undefined,
  ask: (redis: RedisClient) => Promise<T>,
): Promise<T | undefined> {
  if (redis?.status !== 'ready') return undefined;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ANSWER_WITHIN_MS);
  });
  try {
    return await Promise.race([ask(redis), late]);
  } catch {
    return undefined; // the limits and the breakers say it when Redis is away
  } finally {
    clearTimeout(timer);
  }
}
