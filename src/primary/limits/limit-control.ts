import { createProcessClock } from '../../shared/breaker/process-clock.ts';
import { monotonicMs } from '../../shared/clock.ts';
import type { Config } from '../../shared/config/types.ts';
import type { FromLimitThread, ToLimitThread } from '../../shared/limits/messages.ts';
import type { ThreadOverride } from '../../shared/limits/overrides.ts';
import { SharedMemoryStore } from '../../shared/limits/shared-memory-store.ts';
import { isConsumerClient } from '../../shared/limits/client-key.ts';
import type { CompiledRule } from '../../shared/limits/rule.ts';
import type { LimitEvent } from '../../shared/redis/events.ts';
import { EVENTS_CHANNEL } from '../../shared/redis/keys.ts';
import { AskedRedis } from './asked-redis.ts';
import { ClientRoom } from './client-room.ts';
import type { RoomProblem } from './client-room.ts';
import type { RedisClient } from './asked-redis.ts';
import { FarStore } from './far-store.ts';
import { limitsOfAddress, limitsOfConsumer } from './consumer-profile.ts';
import type { ClientLimits } from './consumer-profile.ts';
import { distinctRules, fewestRules, limitedRoutes } from './limited-routes.ts';
import type { LimitedRoute } from './limited-routes.ts';
import { LimitsStoreState } from './limits-store-state.ts';
import type { StoreListener } from './limits-store-state.ts';
import { MemoryBuckets } from './memory-buckets.ts';
import { OverrideBook } from './override-book.ts';
import { CLIENT_OVERRIDES, OverridesHash } from './overrides-hash.ts';
import { openRedisBuckets } from './redis-buckets.ts';
import type { RedisBuckets } from './redis-buckets.ts';
import { RefusedFront } from './refused-front.ts';
import { RefusedSharing } from './refused-sharing.ts';
import type { ClusterRefused } from './refused-sharing.ts';
import { ThreadOrders } from './thread-orders.ts';
import { UntrustedProxies } from './untrusted-proxies.ts';

/** Number of the front among those that lock buckets; threads count from 1. Its locks end with the process. */
const FRONT_OWNER = 0x3fff_ffff;

export interface LimitControlOptions {
  readonly config: Config;
  /** Made without offline queue; closed by whoever made it. `undefined` = this process is alone. */
  readonly redis: RedisClient | undefined;
  readonly memoryBuckets: SharedArrayBuffer;
  /** Names of the nodes that live. */
  readonly liveNodes: () => Promise<readonly string[]>;
  /** How many live, as the threads know it. */
  readonly liveCount: () => number;
  /** To every thread. @returns how many were told */
  readonly broadcast: (message: ToLimitThread) => number;
  /** Whether threads ask Redis has changed, or why they do not. */
  readonly onStoreChange: StoreListener;
  /** @see ClientRoom */
  readonly onRoom: (problem: RoomProblem, isNow: boolean) => void;
  /** @see UntrustedProxies */
  readonly onUntrustedProxy: (text: string, address: string) => void;
  /** @see FarStore */
  readonly onStoreFar: (isFar: boolean, fastestMs: number) => void;
}

/** The front's part of the limits: who is refused most, who is banned or exempt, and the buckets as operators see them. */
export class LimitControl {
  readonly memory: MemoryBuckets;
  readonly shared: RedisBuckets | undefined;
  readonly overrides: OverrideBook;
  /** Whether threads ask Redis. */
  readonly store: LimitsStoreState;
  /** Whether there is room for new clients. */
  readonly room: ClientRoom;
  readonly untrustedProxies: UntrustedProxies;
  readonly #far: FarStore;
  readonly #refused = new RefusedFront(monotonicMs);
  readonly #asked: AskedRedis;
  readonly #sharing: RefusedSharing;
  readonly #orders: ThreadOrders;
  #config: Config;
  #routes: readonly LimitedRoute[];

  constructor(options: LimitControlOptions) {
    const { config, redis, memoryBuckets, liveNodes, liveCount, broadcast } = options;
    this.#config = config;
    this.#routes = limitedRoutes(config.routes);
    this.store = new LimitsStoreState(options.onStoreChange);
    this.untrustedProxies = new UntrustedProxies(config.server.trustedProxies, options.onUntrustedProxy);
    this.#far = new FarStore(options.onStoreFar);
    this.memory = new MemoryBuckets({
      memory: new SharedMemoryStore(memoryBuckets, { owner: FRONT_OWNER }),
      share: () => (redis === undefined ? 1 : liveCount()),
    });
    this.#asked = new AskedRedis(redis);
    this.room = new ClientRoom({
      redis,
      clock: monotonicMs,
      maxClients: () => this.#config.limits.maxClients,
      bucketsOfClient: () => fewestRules(this.#routes),
      tell: (isFull) => broadcast({ type: 'clients-full', isFull }),
      onChange: options.onRoom,
    });
    this.shared = redis === undefined ? undefined : openRedisBuckets(this.#asked, redis);
    this.#orders = new ThreadOrders(broadcast);
    this.overrides = new OverrideBook({
      hash: new OverridesHash(this.#asked, CLIENT_OVERRIDES),
      clock: createProcessClock(),
      apply: (overrides) => this.#orders.override(overrides),
    });
    this.#sharing = new RefusedSharing({
      redis,
      asked: this.#asked,
      node: config.node.name,
      liveNodes,
      list: () => this.#refused.list(),
    });
    redis?.on('ready', () => void this.overrides.refresh());
  }

  get config(): Config {
    return this.#config;
  }

  get routes(): readonly LimitedRoute[] {
    return this.#routes;
  }

  /** What may hold for one client, the likeliest first; at least one. */
  limitsOf(client: string): readonly ClientLimits[] {
    return isConsumerClient(client) ? limitsOfConsumer(this.#config, client) : limitsOfAddress(this.#config);
  }

  /** Every rule that may hold for it, each once. */
  rulesOf(client: string): readonly CompiledRule[] {
    return distinctRules(this.limitsOf(client).flatMap(({ routes }) => routes)).map(({ rule }) => rule);
  }

  /** For a new thread. */
  forThread(): { readonly limitOverrides: readonly ThreadOverride[]; readonly clientsFull: boolean } {
    return { limitOverrides: this.overrides.all, clientsFull: this.room.isFull };
  }

  configure(config: Config): void {
    this.#config = config;
    this.#routes = limitedRoutes(config.routes);
    this.untrustedProxies.configure(config.server.trustedProxies);
  }

  receive(slot: number, message: FromLimitThread): void {
    switch (message.type) {
      case 'limits-store':
        this.store.receive(slot, message);
        return;
      case 'limits-store-far':
        this.#far.receive(slot, message);
        return;
      case 'limits-no-room':
        this.room.receive(message.where);
        return;
      case 'untrusted-proxy':
        this.untrustedProxies.receive(message.address);
        return;
      case 'limits-done':
        this.#orders.done(message.id);
        return;
      case 'refused-clients':
        this.#refused.receive(slot, message.list);
        this.#sharing.changed();
        return;
      default:
        message satisfies never;
    }
  }

  threadGone(slot: number): void {
    this.#refused.threadGone(slot);
    this.store.threadGone(slot);
    this.#far.threadGone(slot);
  }

  /** Another node, or this one, has said so on the channel of events. */
  onEvent(event: LimitEvent): void {
    switch (event.type) {
      case 'limit-overrides':
        this.overrides.hint();
        return;
      case 'limit-client':
        void this.#forgetHere(event.client, event.reset);
        return;
      default:
        event satisfies never;
    }
  }

  /**
   * A client's buckets were deleted (`reset`) or set: no thread of any node may go by what it remembers of them. Resolves
   * when this node's threads have forgotten it.
   * @param what.endMs see AskedRedis.ask
   */
  async forget(what: { readonly client: string; readonly reset: boolean; readonly endMs: number }): Promise<void> {
    const { client, reset, endMs } = what;
    const event: LimitEvent = { type: 'limit-client', client, reset };
    await Promise.all([
      this.#forgetHere(client, reset),
      this.#asked.ask((redis) => redis.publish(EVENTS_CHANNEL, JSON.stringify(event)), endMs),
    ]);
  }

  /** Clients that this node refuses, the most refused first. */
  refusedHere(): readonly string[] {
    return this.#refused.list().clients.map(([client]) => client);
  }

  /** The most refused clients of all live nodes. @param endMs see AskedRedis.ask */
  refused(endMs: number): Promise<ClusterRefused> {
    return this.#sharing.clusterList(endMs);
  }

  /** The connection is closed by whoever made it. */
  close(): void {
    this.room.close();
    this.overrides.close();
    this.#sharing.close();
  }

  async #forgetHere(client: string, reset: boolean): Promise<void> {
    if (reset && this.shared !== undefined) await this.memory.remove(client, this.rulesOf(client));
    await this.#orders.forget(client);
  }
}
