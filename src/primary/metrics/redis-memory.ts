import type { Cluster, Redis } from 'ioredis';
import { monotonicMs } from '../../shared/clock.ts';

/** What one Redis (of a cluster: one primary) said of its memory. */
export interface RedisNodeMemory {
  /** `host:port` in a cluster; `undefined`: there is only this one. */
  readonly node: string | undefined;
  /** It answered the last question. */
  readonly up: boolean;
  readonly usedBytes: number | undefined;
  /** `maxmemory`, or the memory of its machine where that is not set. */
  readonly maxBytes: number | undefined;
  /** How long its last answer took; `undefined`: there was none. */
  readonly answerMs?: number | undefined;
}

/** How ioredis must be told to behave: a scrape never waits for a connection. */
export const METRICS_REDIS_OPTIONS = {
  maxRetriesPerRequest: 0,
  autoResubscribe: false,
  connectTimeout: 1_000,
  retryStrategy: (attempt: number): number => Math.min(attempt * 50, 500),
} as const;

const WITHIN_MS = 500;
const EVERY_MS = 1_000;

/** Numbers of `INFO memory`; what a Redis does not tell stays unknown. */
export function parseMemory(info: string): Pick<RedisNodeMemory, 'usedBytes' | 'maxBytes'> {
  const number = (field: string): number | undefined => {
    const digits = new RegExp(`^${field}:(\\d+)\\r?$`, 'm').exec(info)?.[1];
    return digits === undefined ? undefined : Number(digits);
  };
  return { usedBytes: number('used_memory'), maxBytes: number('maxmemory') || number('total_system_memory') };
}

/** Asks Redis about its memory when a scrape wants to know, at most once a second and for at most 500 ms. */
export class RedisMemory {
  readonly #client: Redis | Cluster;
  readonly #clock: () => number;
  #nodes: readonly RedisNodeMemory[] = [];
  #askedMs = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | undefined;

  /** @param client of its own, with METRICS_REDIS_OPTIONS; closed by whoever made it */
  constructor(client: Redis | Cluster, clock: () => number = monotonicMs) {
    this.#client = client;
    this.#clock = clock;
    client.on('error', () => {}); // told as redis_up 0
  }

  /** The last answers; none before the first. */
  get nodes(): readonly RedisNodeMemory[] {
    return this.#nodes;
  }

  /** Asks again if the last answer is old. Never rejects, and ends within 500 ms whatever Redis does. */
  refresh(): Promise<void> {
    const nowMs = this.#clock();
    if (this.#asking === undefined && nowMs - this.#askedMs >= EVERY_MS) {
      this.#askedMs = nowMs;
      this.#asking = this.#ask().finally(() => (this.#asking = undefined));
    }
    return this.#asking ?? Promise.resolve();
  }

  async #ask(): Promise<void> {
    const client = this.#client;
    const asked =
      'nodes' in client
        ? client.nodes('master').map((redis) => ({ node: `${redis.options.host}:${redis.options.port}`, redis }))
        : [{ node: undefined, redis: client }];
    const answers = await Promise.all(asked.map(({ node, redis }) => memoryOf(redis, node)));
    // A cluster that cannot be reached has no nodes: then those that it had are down.
    const none = this.#nodes.length > 0 ? this.#nodes.map(({ node }) => node) : [undefined];
    this.#nodes = answers.length > 0 ? answers : none.map(down);
  }
}

const down = (node: string | undefined): RedisNodeMemory => ({
  node,
  up: false,
  usedBytes: undefined,
  maxBytes: undefined,
});

function memoryOf(redis: Redis, node: string | undefined): Promise<RedisNodeMemory> {
  const askedMs = monotonicMs();
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(down(node)), WITHIN_MS);
    const answer = (memory: RedisNodeMemory): void => {
      clearTimeout(timer);
      resolve(memory);
    };
    redis.info('memory').then(
      (info) => answer({ node, up: true, ...parseMemory(info), answerMs: monotonicMs() - askedMs }),
      // An error that Redis itself sent (no permission) is an answer as well.
      (error: unknown) => answer({ ...down(node), up: error instanceof Error && error.name === 'ReplyError' }),
    );
  });
}
