import { randomBytes } from 'node:crypto';
import { createBreakerMemory } from '../shared/breaker/memory.ts';
import type { BreakerSlots, FromBreakerThread, ToBreakerThread } from '../shared/breaker/messages.ts';
import { createProcessClock } from '../shared/breaker/process-clock.ts';
import { random, wallClockMs } from '../shared/clock.ts';
import type { Config } from '../shared/config/types.ts';
import { createBucketMemory } from '../shared/limits/bucket-memory.ts';
import { freeLocksOf } from '../shared/limits/shard-locks.ts';
import type { Log } from '../shared/log.ts';
import type { connectRedis } from '../shared/redis/connect.ts';
import type { RequestThreadStart } from '../shared/threads/protocol.ts';
import { BREAKER_REDIS_OPTIONS, startBreaker, type Breaker } from './breaker/start-breaker.ts';
import type { BreakerNotice } from './breaker/view.ts';
import { NodeRegistry, type NodeInfo } from './nodes/node-registry.ts';

/** Upstreams that can have a breaker at once; a reload can bring more than the start had. */
const BREAKER_ROWS = 256;
const REDIS_TIMEOUT_MS = 1_000;

export interface TrafficControlOptions {
  readonly config: Config;
  readonly log: Log;
  /** Imported only where the configuration names a Redis: without one the front starts faster. */
  readonly connect: typeof connectRedis | undefined;
  readonly info: () => NodeInfo;
  readonly send: (slot: number, message: ToBreakerThread) => void;
  /** To every thread. */
  readonly broadcast: (
    message: { type: 'live-nodes'; count: number } | { type: 'degraded'; reasons: readonly string[] },
  ) => void;
}

/** What a request thread is started with to limit and to break circuits. */
export type ThreadControls = Pick<RequestThreadStart, 'breaker' | 'memoryBuckets' | 'liveNodes' | 'degraded'>;

/** The front's part of limits and circuit breakers: memory for the threads, and the connection to the other nodes. */
export class TrafficControl {
  readonly #options: TrafficControlOptions;
  readonly #memory = createBreakerMemory(BREAKER_ROWS);
  readonly #memoryBuckets = createBucketMemory();
  readonly #breaker: Breaker;
  readonly #nodes: NodeRegistry | undefined;
  #degraded: readonly string[] = [];

  constructor(options: TrafficControlOptions) {
    this.#options = options;
    const { config, log, info, connect } = options;
    const { redis } = config;
    if (redis !== undefined && connect !== undefined) {
      this.#nodes = new NodeRegistry({
        redis: connect(redis, { ...BREAKER_REDIS_OPTIONS, commandTimeout: REDIS_TIMEOUT_MS }),
        info,
        log,
        onCount: (count) => options.broadcast({ type: 'live-nodes', count }),
      });
    }
    this.#breaker = startBreaker(
      {
        memory: this.#memory,
        // Unique among starts too: what an earlier process of this node held is not ours.
        node: `${config.node.name}.${randomBytes(3).toString('hex')}`,
        upstreams: breakersOf(config),
        send: options.send,
        liveNodes: () => this.#nodes?.count ?? 1,
        clock: createProcessClock(),
        wallClock: wallClockMs,
        random,
        listener: (notice) => this.#onNotice(notice),
        onListenerError: (error) => log.error({ err: error }, 'circuit breakers: a listener failed'),
      },
      redis === undefined || connect === undefined
        ? undefined
        : {
            connect: () => connect(redis, BREAKER_REDIS_OPTIONS),
            database: redis.database,
            timeoutMs: REDIS_TIMEOUT_MS,
          },
    );
  }

  /** For a new thread. */
  forThread(): ThreadControls {
    return {
      breaker: { memory: this.#memory, slots: this.slots() },
      memoryBuckets: this.#memoryBuckets,
      liveNodes: this.#nodes?.count ?? 1,
      degraded: this.#degraded,
    };
  }

  /** Row of each upstream's breaker. */
  slots(): BreakerSlots {
    return this.#breaker.front.slots();
  }

  get liveNodes(): number {
    return this.#nodes?.count ?? 1;
  }

  breakers(): ReturnType<Breaker['front']['view']> {
    return this.#breaker.front.view();
  }

  /** A new configuration, before the threads get it. */
  configure(config: Config): void {
    this.#breaker.front.configure(breakersOf(config));
  }

  receive(slot: number, message: FromBreakerThread): void {
    this.#breaker.front.receive(slot, message);
  }

  /** The thread in this slot has exited. */
  threadGone(slot: number): void {
    freeLocksOf(this.#memoryBuckets, slot + 1);
    this.#breaker.front.threadGone(slot);
  }

  /** After the threads have ended. */
  async close(): Promise<void> {
    this.#breaker.close();
    await this.#nodes?.close();
  }

  #onNotice(notice: BreakerNotice): void {
    const { log, broadcast } = this.#options;
    if (notice.type === 'transition') {
      const { change } = notice;
      log[change.to === 'OPEN' ? 'warn' : 'info'](change, `circuit breaker ${change.from} -> ${change.to}`);
      return;
    }
    const alone = notice.scope === 'process';
    log[alone ? 'error' : 'info'](
      { reason: notice.reason },
      alone
        ? 'circuit breakers: Redis cannot be reached, each node breaks for itself'
        : 'circuit breakers: Redis answers, state is shared again',
    );
    this.#degraded = alone ? [`circuit breakers: Redis cannot be reached (${notice.reason})`] : [];
    broadcast({ type: 'degraded', reasons: this.#degraded });
  }
}

const breakersOf = (config: Config) =>
  config.upstreams.map(({ name, breaker: { mode, rule, window } }) => ({ name, mode, rule, window }));
