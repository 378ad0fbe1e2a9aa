import type { Redis } from 'ioredis';
import { BUCKET_PREFIX } from '../../shared/redis/keys.ts';
import type { RedisClient } from './asked-redis.ts';

/** Keys that one SCAN looks at. */
const SAMPLE = 200;
/** What of the samples before still counts beside a new one. */
const REMEMBERED = 0.9;

/**
 * About how many buckets a Redis holds: the number of its keys, and where that is more than `enough` the share that are
 * buckets, by samples. Keys lie in Redis by their hash, so any part of them is a fair sample. One or two small commands.
 */
export class BucketCount {
  #cursor = '0';
  #turn = 0;
  #seen = 0;
  #ours = 0;

  /** @returns the number, or of all keys where these are fewer than `enough`. Rejects where Redis does not say */
  async of(client: RedisClient, enough: number): Promise<number> {
    const primaries: readonly Redis[] = 'nodes' in client ? client.nodes('master') : [client];
    const sizes = await Promise.all(primaries.map((redis) => redis.dbsize()));
    const keys = sizes.reduce((sum, size) => sum + size, 0);
    if (keys < enough) return keys;
    await this.#sample(primaries);
    return this.#seen === 0 ? keys : (keys * this.#ours) / this.#seen;
  }

  /** Each primary in turn, so that a cursor goes on where it was made. */
  async #sample(primaries: readonly Redis[]): Promise<void> {
    const redis = primaries[this.#turn % primaries.length];
    if (redis === undefined) return;
    const [cursor, keys] = await redis.scan(this.#cursor, 'COUNT', SAMPLE);
    this.#cursor = cursor;
    if (cursor === '0') this.#turn++;
    this.#seen = this.#seen * REMEMBERED + keys.length;
    this.#ours = this.#ours * REMEMBERED + keys.filter((key) => key.startsWith(BUCKET_PREFIX)).length;
  }
}
