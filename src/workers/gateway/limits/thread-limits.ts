import { setTimeout as wait } from 'node:timers/promises';
import type { Logger } from 'pino';
import { createProcessClock } from '../../../shared/breaker/process-clock.ts';
import { monotonicMs, random } from '../../../shared/clock.ts';
import type { Config, RouteConfig, RouteLimitsConfig } from '../../../shared/config/types.ts';
import { Allowlist } from '../../../shared/limits/allowlist.ts';
import { ClientKeys } from '../../../shared/limits/client-key.ts';
import { CUSTOMER_PREFIX_BITS, IpClients } from '../../../shared/limits/ip-client.ts';
import { policyValue } from '../../../shared/limits/rate-limit-headers.ts';
import type { RateLimitHeaderMode, RateLimitHeaders } from '../../../shared/limits/rate-limit-headers.ts';
import type { FromLimitThread, RoomLess, ToLimitThread } from '../../../shared/limits/messages.ts';
import type { ThreadOverride } from '../../../shared/limits/overrides.ts';
import { compileRule } from '../../../shared/limits/rule.ts';
import { SharedMemoryStore } from '../../../shared/limits/shared-memory-store.ts';
import type { DecidesAtOnce, LimitStore } from '../../../shared/limits/store.ts';
import { STORE_STATE, THREAD } from '../../../shared/metrics/layout.ts';
import { DecisionTimeout } from './decision-timeout.ts';
import { FlightTimer } from './flight-timer.ts';
import type { LimitLane } from './limit-lane.ts';
import type { ThreadMetrics } from '../metrics/thread-metrics.ts';
import { Limiter, LIMITER_DEFAULTS } from './limiter.ts';
import type { openRedisStore, SharedStore } from './open-redis-store.ts';
import { Overrides } from './overrides.ts';
import { RefusedClients } from './refused-clients.ts';
import { ShadowLog } from './shadow-log.ts';
import type { GateState } from './store-gate.ts';
import type { StoreRoom } from './store-room.ts';

const STORE_LOOK_MS = 5;
/** That there is no room is said so often while it is so. */
const NO_ROOM_AGAIN_MS = 10_000;
/** So often in all the threads of an idle node ask whether Redis is there. */
const IDLE_ASK_MS = 10_000;

export interface ThreadLimitsStart {
  readonly config: Config;
  /** Row of this thread; no two live threads have the same. */
  readonly slot: number;
  readonly memoryBuckets: SharedArrayBuffer;
  readonly liveNodes: number;
  readonly limitOverrides: readonly ThreadOverride[];
  readonly clientsFull: boolean;
  readonly log: Logger;
  readonly metrics: ThreadMetrics;
  /** To the front. */
  readonly post: (message: FromLimitThread) => void;
  /** Set exactly where the configuration names a Redis. */
  readonly openRedisStore: typeof openRedisStore | undefined;
}

/** What a route's limits come to for its requests. */
export interface RouteLimit {
  readonly lane: LimitLane;
  /** Decide and count, but let pass. */
  readonly shadow: boolean;
  readonly headers: RateLimitHeaders;
}

/** The limiter of a request thread, made from the configuration: its store, who the client is, who is exempt. */
export class ThreadLimits {
  readonly limiter: Limiter;
  readonly shadow: ShadowLog;
  readonly overrides = new Overrides(createProcessClock());
  /** Who gets 429s from this thread. */
  readonly refused: RefusedClients;
  #liveNodes: number;
  /** Why the store is not asked; '' = it is. */
  degraded = '';
  keys: ClientKeys;
  /** Memory that all threads of the process share, whatever keeps the buckets of clients. */
  readonly memory: DecidesAtOnce;
  readonly #room: StoreRoom;
  /** Names addresses where new clients share a bucket: nobody has more than one by owning a network. */
  #addresses: IpClients;
  readonly #noRoomSaidMs: Record<RoomLess, number> = { process: -NO_ROOM_AGAIN_MS, redis: -NO_ROOM_AGAIN_MS };
  readonly #store: LimitStore;
  /** The same, where it is Redis. */
  readonly #shared: SharedStore | undefined;
  readonly #metrics: ThreadMetrics;
  readonly #post: ThreadLimitsStart['post'];
  readonly #timeout: DecisionTimeout;
  readonly #flights = new FlightTimer({ clock: monotonicMs });
  #headerMode: RateLimitHeaderMode;
  #allowlist: Allowlist;

  constructor(start: ThreadLimitsStart) {
    const { config } = start;
    this.#metrics = start.metrics;
    this.#post = start.post;
    this.shadow = new ShadowLog(start.log);
    this.#liveNodes = start.liveNodes;
    this.overrides.replace(start.limitOverrides);
    this.refused = new RefusedClients({
      clock: monotonicMs,
      tell: (list) => start.post({ type: 'refused-clients', list }),
    });
    this.#timeout = new DecisionTimeout({
      clock: monotonicMs,
      startMs: config.limits.timeoutMs,
      maxMs: config.limits.timeoutMaxMs,
      onFar: (isFar, fastestMs) => start.post({ type: 'limits-store-far', isFar, fastestMs }),
    });
    this.keys = new ClientKeys(config.limits.key, new IpClients(config.limits.ipv6Prefix));
    this.#room = { isFull: start.clientsFull };
    this.#addresses = addressesOf(config);
    this.#headerMode = config.limits.headers;
    this.#allowlist = new Allowlist(config.limits.allowlist);
    const memory = new SharedMemoryStore(start.memoryBuckets, {
      owner: start.slot + 1,
      lockWaitMs: config.limits.timeoutMs,
    });
    this.memory = memory;
    this.#shared = this.#openRedisStore(start);
    this.#store = this.#shared ?? memory;
    const timeout = this.#timeout;
    this.limiter = new Limiter({
      ...LIMITER_DEFAULTS,
      clock: monotonicMs,
      store: this.#store,
      local: memory,
      room: this.#room,
      onNoRoom: (where) => this.#onNoRoom(where),
      liveNodes: () => this.#liveNodes,
      get timeoutMs() {
        return timeout.ms;
      },
      // What the node may owe in all, by thread.
      maxDebts: Math.ceil(config.limits.maxClients / config.server.workers),
      batchMaxWaitMs: config.limits.batchMaxWaitMs,
      metrics: start.metrics,
      onError: (error) => start.log.error({ err: error }, 'a request failed after its limit was decided'),
    });
  }

  /** Takes over what a reload may change; the store and its time-outs stay until a restart. */
  apply(config: Config): void {
    if (config.redis !== undefined) this.#shared?.renewLogin(config.redis);
    this.keys = new ClientKeys(config.limits.key, new IpClients(config.limits.ipv6Prefix));
    this.#addresses = addressesOf(config);
    this.#headerMode = config.limits.headers;
    this.#allowlist = new Allowlist(config.limits.allowlist);
  }

  routeLimit({ limits }: RouteConfig): RouteLimit | undefined {
    return limits === undefined ? undefined : this.compile(limits);
  }

  compile(limits: RouteLimitsConfig): RouteLimit {
    const rules = limits.rules.map(compileRule);
    const { cost, onStoreFailure, leaseTokens, shadow } = limits;
    const lane = this.limiter.lane({ rules, cost, onStoreFailure, leaseTokens, shadow });
    return { lane, shadow, headers: { mode: this.#headerMode, policy: policyValue(rules) } };
  }

  /** Never limited, never asked about. */
  isExempt(address: string, client: string): boolean {
    return this.#allowlist.has(address, client);
  }

  /** @see Waiter.addressName */
  addressName(address: string): string {
    return this.#addresses.nameOf(address);
  }

  /** From the front. */
  receive(message: ToLimitThread): void {
    switch (message.type) {
      case 'live-nodes':
        this.#liveNodes = message.count;
        return;
      case 'clients-full':
        this.#room.isFull = message.isFull;
        return;
      case 'doubt-store':
        this.#shared?.doubt();
        return;
      case 'forget-client':
        this.#forget(message.client);
        this.#post({ type: 'limits-done', id: message.id });
        return;
      case 'limit-overrides':
        this.overrides.replace(message.overrides);
        this.#post({ type: 'limits-done', id: message.id });
        return;
      default:
        message satisfies never;
    }
  }

  /** A client's buckets were set anew: what is remembered of them is wrong, and so is what is being asked right now. */
  #forget(client: string): void {
    this.limiter.forget(client);
    setTimeout(() => this.limiter.forget(client), this.#timeout.maxMs).unref();
  }

  /** Resolves when the store is asked, or after `withinMs`: a thread that has just started should not limit for itself. */
  async storeAsked(withinMs: number): Promise<void> {
    const endMs = monotonicMs() + withinMs;
    while (!this.#store.available && monotonicMs() < endMs) await wait(STORE_LOOK_MS);
  }

  /** Gives back what was taken ahead and ends connections. */
  async close(): Promise<void> {
    await this.limiter.close();
    this.refused.close();
    this.shadow.close();
    this.#flights.close();
  }

  #openRedisStore({ config, openRedisStore: open }: ThreadLimitsStart): SharedStore | undefined {
    this.#metrics.set(THREAD.storeState, STORE_STATE.none);
    if (config.redis === undefined || open === undefined) return undefined;
    this.#metrics.set(THREAD.storeState, STORE_STATE.skipped);
    this.degraded = 'rate limits: connecting to Redis';
    return open(config.redis, {
      clock: monotonicMs,
      random,
      flights: this.#flights,
      timeout: this.#timeout,
      room: this.#room,
      metrics: this.#metrics,
      idleAskMs: IDLE_ASK_MS * config.server.workers,
      onChange: (state) => this.#onStoreChange(state),
    });
  }

  #onNoRoom(where: RoomLess): void {
    const nowMs = monotonicMs();
    if (nowMs - this.#noRoomSaidMs[where] < NO_ROOM_AGAIN_MS) return;
    this.#noRoomSaidMs[where] = nowMs;
    this.#post({ type: 'limits-no-room', where });
  }

  #onStoreChange(state: GateState): void {
    const up = state.kind === 'up';
    const reason = state.kind === 'up' ? '' : state.reason;
    this.degraded = up ? '' : `rate limits: Redis is not asked (${reason})`;
    this.#metrics.set(THREAD.storeState, up ? STORE_STATE.asked : STORE_STATE.skipped);
    this.#post({ type: 'limits-store', up, reason });
  }
}

const addressesOf = ({ limits }: Config): IpClients => new IpClients(Math.min(limits.ipv6Prefix, CUSTOMER_PREFIX_BITS));
