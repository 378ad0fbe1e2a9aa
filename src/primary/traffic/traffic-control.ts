import { randomBytes } from 'node:crypto';
import { createBreakerMemory } from '../../shared/breaker/memory.ts';
import type { BreakerPlaces } from '../../shared/breaker/messages.ts';
import { createProcessClock } from '../../shared/breaker/process-clock.ts';
import { random, wallClockMs } from '../../shared/clock.ts';
import type { Config } from '../../shared/config/types.ts';
import { bucketMemorySize, createBucketMemory } from '../../shared/limits/bucket-memory.ts';
import { freeLocksOf } from '../../shared/limits/shard-locks.ts';
import type { Log } from '../../shared/log.ts';
import type { ApiKeysEvent, HealthEvent } from '../../shared/redis/events.ts';
import type { NodesAnswer } from '../../shared/admin/status.ts';
import { BREAKER_REDIS_OPTIONS, startBreaker } from '../breaker/start-breaker.ts';
import type { Breaker } from '../breaker/start-breaker.ts';
import type { BreakerForced, BreakerNotice, ForceOptions, ForceOutcome } from '../breaker/view.ts';
import type { EventLog } from '../events/event-log.ts';
import type { RedisClient } from '../limits/asked-redis.ts';
import { LimitControl } from '../limits/limit-control.ts';
import { reportRoom, roomReason } from '../limits/client-room.ts';
import { reportFarStore } from '../limits/far-store.ts';
import { reportStoreChange } from '../limits/limits-store-state.ts';
import { TransitionCounts } from '../metrics/transition-counts.ts';
import { NodeRegistry, withSelf } from '../nodes/node-registry.ts';
import type { NodeInfo } from '../nodes/node-registry.ts';
import type { RedisConnections } from '../redis/redis-connections.ts';
import type { ThreadControls } from '../threads/thread-handle.ts';
import type { ThreadSet } from '../threads/thread-set.ts';
import type { DegradedReasons } from './degraded-reasons.ts';
import { SilentAuthorizers } from './silent-authorizers.ts';

/** Upstreams that can have a breaker at once; a reload can bring more than the start had. */
const BREAKER_ROWS = 256;
const REDIS_TIMEOUT_MS = 1_000;

export interface TrafficControlOptions {
  readonly config: Config;
  readonly log: Log;
  readonly events?: Pick<EventLog, 'add'>;
  /** Set exactly where the configuration names a Redis. Closed here. */
  readonly connections: RedisConnections | undefined;
  readonly info: () => NodeInfo;
  readonly threads: Pick<ThreadSet, 'tellAll' | 'tellSlot'>;
  readonly degraded: DegradedReasons;
  /** Is told that API keys have changed. */
  readonly keys?: { onEvent(event: ApiKeysEvent): void };
  /** Is told that another node has said something of maintenance, or may have. */
  readonly maintenance?: { hint(): void };
  /** Is told that targets were drained, or taken back. */
  readonly drains?: { onEvent(): void };
  /** Is told that another node has pushed, or may have, versions of the configuration. */
  readonly versions?: { hint(): void };
  /** Is told that weights of splits were moved. */
  readonly splits?: { onEvent(): void };
  /** Is told what the other nodes say of health probes. */
  readonly health?: { onEvent(event: HealthEvent): void; onDoubt(): void };
}

/** The front's part of limits and circuit breakers: memory for the threads, and the connection to the other nodes. */
export class TrafficControl {
  /** Of breakers, on this node. */
  readonly transitions = new TransitionCounts();
  readonly limits: LimitControl;
  readonly #options: TrafficControlOptions;
  readonly #memory = createBreakerMemory(BREAKER_ROWS);
  readonly #memoryBuckets: SharedArrayBuffer;
  readonly #breaker: Breaker;
  readonly #authorizers: SilentAuthorizers;
  readonly #nodes: NodeRegistry | undefined;
  /** Of nodes and limits, and of whoever else has little to ask; closed here. */
  readonly redis: RedisClient | undefined;

  constructor(options: TrafficControlOptions) {
    this.#options = options;
    const { config, log, info, connections, threads } = options;
    const { redis } = config;
    const jobsOnly = config.jobs.mode === 'only';
    this.#memoryBuckets = createBucketMemory(bucketMemorySize(config.limits.maxClients));
    const client = connections?.open('nodes', { ...BREAKER_REDIS_OPTIONS, commandTimeout: REDIS_TIMEOUT_MS });
    // With JOBS=only it says that it lives, and no more: there are no limits and no breakers.
    this.redis = jobsOnly ? undefined : client;
    if (client !== undefined) {
      this.#nodes = new NodeRegistry({
        redis: client,
        info,
        jobsOnly,
        log,
        onCount: (count, names) => {
          options.events?.add('nodes', `${count} live nodes`, { names });
          threads.tellAll({ to: 'limits', type: 'live-nodes', count });
        },
        onTwins: (count) => this.#onTwins(count),
      });
    }
    this.limits = new LimitControl({
      config,
      redis: this.redis,
      memoryBuckets: this.#memoryBuckets,
      liveNodes: async () => (await this.nodes()).nodes.flatMap(({ name, jobsOnly: none }) => (none ? [] : [name])),
      liveCount: () => this.liveNodes,
      broadcast: (message) => threads.tellAll({ to: 'limits', ...message }),
      onStoreChange: (state, before) => reportStoreChange(options, state, before),
      onRoom: (problem, isNow) => {
        reportRoom(options, problem, isNow);
        options.degraded.set('limits', this.limitProblems);
      },
      onUntrustedProxy: (text, address) => log.warn({ address }, text),
      onStoreFar: (isFar, fastestMs) => reportFarStore(options, isFar, fastestMs),
    });
    this.#authorizers = new SilentAuthorizers(config, options.degraded);
    this.#breaker = startBreaker(
      {
        memory: this.#memory,
        // Unique among starts too: what an earlier process of this node held is not ours.
        node: `${config.node.name}.${randomBytes(3).toString('hex')}`,
        upstreams: breakersOf(config),
        send: (slot, message) => threads.tellSlot(slot, { to: 'breaker', ...message }),
        liveNodes: () => this.#nodes?.count ?? 1,
        clock: createProcessClock(),
        wallClock: wallClockMs,
        random,
        listener: (notice) => this.#onNotice(notice),
        onListenerError: (error) => log.error({ err: error }, 'circuit breakers: a listener failed'),
      },
      redis === undefined || connections === undefined || jobsOnly
        ? undefined
        : {
            connect: (purpose) => connections.open(purpose, BREAKER_REDIS_OPTIONS),
            whyNot: () => connections.whyNot('breakers'),
            onLimitEvent: (event) => this.limits.onEvent(event),
            onDrainsEvent: () => options.drains?.onEvent(),
            onSplitsEvent: () => options.splits?.onEvent(),
            onKeysEvent: (event) => options.keys?.onEvent(event),
            onHealthEvent: (event) => options.health?.onEvent(event),
            onMaintenanceEvent: () => options.maintenance?.hint(),
            onConfigEvent: () => options.versions?.hint(),
            onDoubt: () => {
              options.health?.onDoubt();
              options.maintenance?.hint();
              options.versions?.hint();
            },
            database: redis.database,
            timeoutMs: REDIS_TIMEOUT_MS,
          },
    );
  }

  /** For a new thread. */
  forThread(): ThreadControls {
    return {
      breaker: { memory: this.#memory, places: this.breakerPlaces() },
      memoryBuckets: this.#memoryBuckets,
      liveNodes: this.#nodes?.count ?? 1,
      ...this.limits.forThread(),
      degraded: this.#options.degraded.all(),
    };
  }

  /** Row of each upstream's breaker. */
  breakerPlaces(): BreakerPlaces {
    return this.#breaker.front.places();
  }

  get liveNodes(): number {
    return this.#nodes?.count ?? 1;
  }

  /** What of the front cannot use Redis, the breakers first; empty when all can. */
  get redisProblems(): readonly string[] {
    const { degraded } = this.#options;
    return [...degraded.of('breakers'), ...degraded.of('redis')];
  }

  /** What is wrong with who the nodes are; empty when nothing is. */
  get nodeProblems(): readonly string[] {
    return this.#options.degraded.of('nodes');
  }

  /** Why new clients are not limited each by itself; empty when they are. */
  get limitProblems(): readonly string[] {
    return this.limits.room.problems.map(roomReason);
  }

  /** What is hardly meant, by the requests that come. */
  get warnings(): readonly string[] {
    return this.limits.untrustedProxies.warnings;
  }

  /** The nodes that share the Redis. Never rejects. */
  nodes(): Promise<NodesAnswer> {
    const { info, config } = this.#options;
    const jobsOnly = config.jobs.mode === 'only';
    return this.#nodes?.list() ?? Promise.resolve({ scope: 'node', nodes: withSelf([], { info, jobsOnly }) });
  }

  breakers(): ReturnType<Breaker['front']['view']> {
    return this.#breaker.front.view();
  }

  /** An operator's word over a breaker; see `BreakerFront.force`. */
  forceBreaker(upstream: string, what: ForceOptions, by: string): Promise<ForceOutcome | undefined> {
    return this.#breaker.front.force(upstream, what, by);
  }

  /** Probes have found the upstream well: its opening of this epoch need not last any longer. */
  endOpening(upstream: string, epoch: number): void {
    this.#breaker.front.endOpening(upstream, epoch);
  }

  /** `cluster` while Redis holds the truth of the breakers. */
  breakerScope(): 'cluster' | 'node' {
    return this.#breaker.front.scope();
  }

  /** A new configuration, before the threads get it. */
  configure(config: Config): void {
    this.#breaker.front.configure(breakersOf(config));
    this.#authorizers.configure(config);
    this.#authorizers.look(this.breakers());
    this.limits.configure(config);
    if (config.redis !== undefined) this.#options.connections?.renewLogin(config.redis);
  }

  /** What the breaker's part of a thread speaks to. */
  get breaker(): Pick<Breaker['front'], 'receive'> {
    return this.#breaker.front;
  }

  /** The thread in this slot has exited. */
  threadGone(slot: number): void {
    freeLocksOf(this.#memoryBuckets, slot + 1);
    this.limits.threadGone(slot);
    this.#breaker.front.threadGone(slot);
  }

  /** After the threads have ended. */
  async close(): Promise<void> {
    const { connections } = this.#options;
    connections?.stopWatching();
    this.#breaker.close();
    this.limits.close();
    await this.#nodes?.close();
    connections?.close();
  }

  #onTwins(count: number): void {
    const { config, log, degraded, events } = this.#options;
    const { name } = config.node;
    const text =
      count > 0
        ? `another process is a node of the name ${name} too: give each its own NODE_NAME`
        : `no other process is a node of the name ${name} any more`;
    log[count > 0 ? 'error' : 'info']({ name }, text);
    events?.add('nodes', text, { name });
    degraded.set('nodes', count > 0 ? [text] : []);
  }

  #onNotice(notice: BreakerNotice): void {
    const { log, degraded, events } = this.#options;
    if (notice.type === 'transition') {
      const { change } = notice;
      this.transitions.add(change.upstream, change.to);
      this.#authorizers.look(this.breakers());
      log[change.to === 'OPEN' ? 'warn' : 'info'](change, `circuit breaker ${change.from} -> ${change.to}`);
      events?.add('breaker', `${change.upstream}: ${change.from} -> ${change.to}`, { ...change });
      return;
    }
    if (notice.type === 'forced') {
      this.#authorizers.look(this.breakers());
      const text = forcedText(notice.change);
      log.warn(notice.change, text);
      events?.add('override', text, { ...notice.change });
      return;
    }
    const alone = notice.scope === 'node';
    const still = alone && degraded.of('breakers').length > 0 ? 'still ' : '';
    const text = alone
      ? `circuit breakers: Redis ${still}cannot be reached, each node breaks for itself`
      : 'circuit breakers: Redis answers, state is shared again';
    log[alone ? 'error' : 'info']({ reason: notice.reason }, text);
    events?.add('breaker-store', text, { reason: notice.reason });
    degraded.set('breakers', alone ? [`circuit breakers: Redis cannot be reached (${notice.reason})`] : []);
  }
}

function forcedText({ upstream, state, forMs, scope, by }: BreakerForced): string {
  const what = state === 'AUTO' ? 'decides again' : `is forced ${state} for ${Math.ceil(forMs / 1000)} s`;
  const where = scope === 'node' ? ', on this node only' : '';
  return `circuit breaker of ${upstream} ${what}${by === undefined ? '' : `, says ${by}`}${where}`;
}

const breakersOf = (config: Config) =>
  config.upstreams.map(({ name, breaker: { mode, rule, window } }) => ({ name, mode, rule, window }));
