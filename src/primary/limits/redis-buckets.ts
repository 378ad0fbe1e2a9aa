import type { CompiledRule } from '../../shared/limits/rule.ts';
import { emptyBucket } from '../../shared/limits/take-steps.ts';
import { refill } from '../../shared/limits/token-bucket.ts';
import { clientOfBucketKey, clusterBucketKey, plainBucketKey } from '../../shared/redis/keys.ts';
import type { KeyOf } from '../../shared/redis/keys.ts';
import { readScript, runScript } from '../../shared/redis/scripts.ts';
import type { Script } from '../../shared/redis/scripts.ts';
import type { AskedRedis, RedisClient } from './asked-redis.ts';
import type { AskedRule, Buckets, Level } from './buckets.ts';

const FIELDS = 5;
const KEYS_PER_SCAN = 200;
const MOST_SCANS = 5;

interface Scripts {
  readonly read: Script;
  readonly set: Script;
}

/** @param redis the one that is asked */
export function openRedisBuckets(asked: AskedRedis, redis: RedisClient): RedisBuckets {
  const scripts = {
    read: readScript(new URL('read-buckets.lua', import.meta.url)),
    set: readScript(new URL('set-tokens.lua', import.meta.url)),
  };
  return new RedisBuckets(asked, redis.isCluster ? clusterBucketKey : plainBucketKey, { scripts });
}

/** The buckets that all nodes share. */
export class RedisBuckets implements Buckets {
  readonly #redis: AskedRedis;
  readonly #keyOf: KeyOf;
  readonly #scripts: Scripts;
  readonly #endMs: number | undefined;

  constructor(redis: AskedRedis, keyOf: KeyOf, asked: { readonly scripts: Scripts; readonly endMs?: number }) {
    this.#redis = redis;
    this.#keyOf = keyOf;
    this.#scripts = asked.scripts;
    this.#endMs = asked.endMs;
  }

  /** The same for questions that are answered by then or not at all. */
  until(endMs: number): RedisBuckets {
    return new RedisBuckets(this.#redis, this.#keyOf, { scripts: this.#scripts, endMs });
  }

  async levels(client: string, asked: readonly AskedRule[]): Promise<readonly Level[] | undefined> {
    if (asked.length === 0) return [];
    const keys = this.#keys(client, asked);
    const reply = await this.#ask((redis) => runScript(redis, this.#scripts.read, { keys }));
    if (!Array.isArray(reply)) return undefined;
    const [nowMs, ...fields] = (reply as (string | null)[]).map((text) => (text === null ? Number.NaN : Number(text)));
    return asked.map(({ rule }, i) => levelOf(rule, fields.slice(i * FIELDS, (i + 1) * FIELDS), nowMs ?? 0));
  }

  async setTokens(client: string, asked: readonly AskedRule[], tokens: number): Promise<true | undefined> {
    // A bucket of no capacity is never stored.
    const stored = asked.filter(({ rule }) => rule.capacity > 0);
    if (stored.length === 0) return true;
    const keys = this.#keys(client, stored);
    const args = stored.flatMap(({ rule }) => [tokens, rule.capacityText, rule.rateText]);
    const done = await this.#ask((redis) => runScript(redis, this.#scripts.set, { keys, args }));
    return done === undefined ? undefined : true;
  }

  async remove(client: string, rules: readonly CompiledRule[]): Promise<number | undefined> {
    if (rules.length === 0) return 0;
    const keys = rules.map(({ keySuffix }) => this.#keyOf(client, keySuffix));
    return this.#ask((redis) => redis.unlink(...keys));
  }

  /** Names of some clients that have buckets: a look at a bounded number of keys. */
  async someClients(atMost: number): Promise<readonly string[]> {
    const names = await this.#ask(async (redis) => {
      const nodes = 'nodes' in redis ? redis.nodes('master') : [redis];
      const found = new Set<string>();
      for (const node of nodes) {
        let cursor = '0';
        for (let i = 0; i < MOST_SCANS && found.size < atMost; i++) {
          const [next, keys] = await node.scan(cursor, 'MATCH', plainBucketKey('*', ''), 'COUNT', KEYS_PER_SCAN);
          for (const key of keys) found.add(clientOfBucketKey(key));
          cursor = next;
          if (cursor === '0') break;
        }
      }
      return [...found];
    });
    return (names ?? []).slice(0, atMost);
  }

  #ask<T>(question: (redis: RedisClient) => Promise<T>): Promise<T | undefined> {
    return this.#redis.ask(question, this.#endMs);
  }

  #keys(client: string, asked: readonly AskedRule[]): readonly string[] {
    return asked.map(({ rule }) => this.#keyOf(client, rule.keySuffix));
  }
}

/** The same steps as in take-tokens.lua, without taking anything. */
function levelOf(rule: CompiledRule, fields: readonly number[], nowMs: number): Level {
  const [tokens = Number.NaN, updatedMs = Number.NaN, capacity = Number.NaN, rate, ceiling = Number.NaN] = fields;
  const limit = rule;
  if (Number.isNaN(tokens) || Number.isNaN(updatedMs) || Number.isNaN(capacity)) {
    return { exists: false, isAsStored: false, tokens: rule.capacity, limit };
  }
  const highest = Number.isNaN(ceiling) ? capacity : ceiling;
  const bucket = { ...emptyBucket(), tokens, updatedMs, capacity, ceiling: highest };
  refill(bucket, rule, nowMs);
  const isAsStored = capacity === rule.capacity && rate === rule.refillPerSecond;
  return { exists: true, isAsStored, tokens: bucket.tokens, limit };
}
