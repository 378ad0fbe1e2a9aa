import type { Cluster, Redis } from 'ioredis';
import { monotonicMs } from '../../shared/clock.ts';
import type { RedisConfig } from '../../shared/config/types.ts';
import type { Log } from '../../shared/log.ts';
import type { connectRedis, RedisBehaviour } from '../../shared/redis/connect.ts';
import type { connectSubscriber, RedisPlace } from '../../shared/redis/connect-subscriber.ts';
import { renewLogin } from '../../shared/redis/renew-login.ts';
import { PeerWatch } from './peer-watch.ts';
import { tryRedis } from './try-redis.ts';

/** What the front has a connection of its own for, in words for people. */
const PURPOSES = {
  nodes: 'node list and overrides of clients',
  breakers: 'circuit breakers',
  events: 'events of other nodes',
  metrics: 'metrics of Redis',
  jobs: 'jobs',
  'job runs': 'runs of jobs',
} as const;

/** One that is tried again and again fails again and again. */
const DOUBT_EVERY_MS = 500;

export type RedisPurpose = keyof typeof PURPOSES;

export interface RedisConnectionsOptions {
  readonly config: RedisConfig;
  readonly connect: typeof connectRedis;
  /** For `events`; needed by who opens that. */
  readonly connectSubscriber?: typeof connectSubscriber;
  readonly log: Log;
  /** One of them has failed: whoever else has a connection that is hardly used may look at it. */
  readonly onDoubt?: () => void;
  /** What does not work; empty = every connection does. The breakers speak for theirs themselves. */
  readonly onProblems: (problems: readonly string[]) => void;
}

interface Connection {
  readonly client: Redis | Cluster;
  readonly watch: PeerWatch;
}

/** The front's connections to Redis: one for each purpose, each watched, so that none is dead without anybody knowing. */
export class RedisConnections {
  readonly #options: RedisConnectionsOptions;
  readonly #open = new Map<RedisPurpose, Connection>();
  #doubtedMs = Number.NEGATIVE_INFINITY;

  constructor(options: RedisConnectionsOptions) {
    this.#options = options;
  }

  /** Opens the one for this purpose. `close` ends it, unless somebody has before. */
  open(purpose: RedisPurpose, behaviour: RedisBehaviour): Redis | Cluster {
    const { config, connect, connectSubscriber: subscribe } = this.#options;
    const client =
      purpose === 'events' && subscribe !== undefined
        ? subscribe(config, behaviour, () => this.#places())
        : connect(config, behaviour);
    const watch = new PeerWatch(client, {
      clock: monotonicMs,
      onChange: (problem) => this.#onChange(purpose, problem),
      onDoubt: () => this.#onDoubt(purpose),
    });
    this.#open.set(purpose, { client, watch });
    return client;
  }

  /** Why it is not connected, for whoever has just found that it is not. */
  whyNot(purpose: RedisPurpose): string {
    return this.#open.get(purpose)?.watch.whyNot ?? 'not connected';
  }

  /** Whether each answers. */
  states(): readonly { readonly purpose: RedisPurpose; readonly up: boolean }[] {
    return [...this.#open].map(([purpose, { watch }]) => ({ purpose, up: watch.problem === '' }));
  }

  /** Shows this password and these certificates from the next handshake on; what is connected stays so. */
  renewLogin(config: RedisConfig): void {
    for (const { client } of this.#open.values()) renewLogin(client, config);
  }

  /** Shows them now, on a connection of its own. @returns why they are not taken; '' = they are */
  try(config: RedisConfig): Promise<string> {
    return tryRedis(this.#options.connect, config);
  }

  /** From here on nothing is connected again. */
  stopWatching(): void {
    for (const { watch } of this.#open.values()) watch.close();
  }

  close(): void {
    this.stopWatching();
    for (const { client } of this.#open.values()) client.disconnect();
  }

  /** One that is hardly used would not notice for long. */
  #onDoubt(purpose: RedisPurpose): void {
    const nowMs = monotonicMs();
    if (nowMs - this.#doubtedMs < DOUBT_EVERY_MS) return;
    this.#doubtedMs = nowMs;
    for (const [each, { watch }] of this.#open) if (each !== purpose) watch.ask();
    this.#options.onDoubt?.();
  }

  /** The nodes of a cluster, as the clients know them by now. */
  #places(): readonly RedisPlace[] {
    for (const { client } of this.#open.values()) {
      if (!('nodes' in client)) continue;
      return client.nodes().flatMap(({ options: { host, port } }) => (host && port ? [{ host, port }] : []));
    }
    return [];
  }

  #onChange(purpose: RedisPurpose, problem: string): void {
    const what = PURPOSES[purpose];
    const { log, onProblems } = this.#options;
    if (problem === '') log.info({ purpose }, `Redis answers again: ${what}`);
    else log.warn({ purpose, reason: problem }, `Redis does not answer: ${what}`);
    onProblems(
      [...this.#open].flatMap(([each, { watch }]) =>
        each === 'breakers' || watch.problem === ''
          ? []
          : [`${PURPOSES[each]}: Redis does not answer (${watch.problem})`],
      ),
    );
  }
}
