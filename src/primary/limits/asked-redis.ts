import { setTimeout as wait } from 'node:timers/promises';
import type { Cluster, Redis } from 'ioredis';
import { monotonicMs } from '../../shared/clock.ts';

export type RedisClient = Redis | Cluster;

/** How long a person waits at most for what Redis says. */
export const ANSWER_WITHIN_MS = 1_000;
const PROBE_EVERY_MS = 1_000;
const LATE = Symbol('late');

/**
 * The Redis that operators' questions go to. One question that is not answered in time is enough: until a PING is
 * answered the others are told at once that it cannot be asked, so that nobody waits for it twice.
 */
export class AskedRedis {
  readonly #redis: RedisClient | undefined;
  #silent = false;
  #probing = false;

  /** @param redis made without offline queue; closed by whoever made it */
  constructor(redis: RedisClient | undefined) {
    this.#redis = redis;
    redis?.on('ready', () => (this.#silent = false));
  }

  /**
   * Asks something that does no harm when it is asked twice or comes late.
   * @param endMs on the monotonic clock: later than that nobody waits for the answer
   * @returns `undefined`: it cannot be reached, did not answer in time or refused
   */
  async ask<T>(
    question: (redis: RedisClient) => Promise<T>,
    endMs = monotonicMs() + ANSWER_WITHIN_MS,
  ): Promise<T | undefined> {
    const redis = this.#redis;
    const leftMs = endMs - monotonicMs();
    if (redis?.status !== 'ready' || this.#silent || leftMs <= 0) return undefined;
    try {
      const answer = await within(question(redis), leftMs);
      if (answer !== LATE) return answer;
    } catch (error) {
      if (!isTimeOut(error)) return undefined; // the limits and the breakers say it when Redis is away
    }
    this.#silent = true;
    void this.#probe(redis);
    return undefined;
  }

  async #probe(redis: RedisClient): Promise<void> {
    if (this.#probing) return;
    this.#probing = true;
    while (this.#silent && redis.status !== 'end') {
      if (redis.status === 'ready' && (await isAnswering(redis))) this.#silent = false;
      else await wait(PROBE_EVERY_MS, undefined, { ref: false });
    }
    this.#probing = false;
  }
}

async function isAnswering(redis: RedisClient): Promise<boolean> {
  try {
    return (await within(redis.ping(), ANSWER_WITHIN_MS)) !== LATE;
  } catch {
    return false;
  }
}

async function within<T>(answer: Promise<T>, ms: number): Promise<T | typeof LATE> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<typeof LATE>((resolve) => {
    timer = setTimeout(() => resolve(LATE), ms);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The connection may have a time limit of its own for commands. */
const isTimeOut = (error: unknown): boolean => error instanceof Error && error.message === 'Command timed out';
