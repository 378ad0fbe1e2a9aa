import { Cluster } from 'ioredis';
import type { ClusterNode, ClusterOptions, Redis } from 'ioredis';
import type { RedisConfig } from '../../../shared/config/types.ts';
import { redisFailure } from '../../../shared/redis/connection.ts';
import { GivenUp } from '../../../shared/redis/given-up.ts';
import { renewLogin } from '../../../shared/redis/renew-login.ts';
import { clusterBucketKey } from '../../../shared/redis/keys.ts';
import type { LimitStore, StoreSink, Want } from '../../../shared/limits/store.ts';
import { takeScript, takeScriptWhenFull } from '../../../shared/limits/take-script.ts';
import { hashSlotOf } from './hash-slot.ts';
import { RedisLink } from './redis-link.ts';
import type { ScriptCall } from './redis-link.ts';
import { decisionConnection, REDIS_STORE_DEFAULTS } from './redis-store.ts';
import type { RedisConnection, RedisStoreOptions } from './redis-store.ts';
import { START_MS } from './store-gate.ts';
import type { GateState } from './store-gate.ts';

export interface ClusterConnection {
  /** Some nodes to learn the others from. */
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  /** Credentials and TLS, the same for every node. */
  readonly redis?: Omit<RedisConnection, 'host' | 'port' | 'retryStrategy' | 'enableOfflineQueue' | 'himportFieldsets'>;
  readonly natMap?: ClusterOptions['natMap'];
}

const MAX_REDIRECTS = 3;
const REFRESH_EVERY_MS = 200;

/**
 * A Redis Cluster: one script per client, grouped into one write per node. ioredis keeps the map of slots and the
 * connections; sending is ours, because ioredis sends again on a lost connection what may have been run already. Each
 * node has its own breaker: while one is away only the clients whose buckets lie on it are decided without the store.
 */
export class ClusterStore implements LimitStore {
  readonly #options: RedisStoreOptions;
  readonly #cluster: Cluster;
  readonly #givenUp: GivenUp;
  readonly #links = new Map<Redis, RedisLink>();
  /** Nodes by `host:port`, as the map of slots names them. */
  readonly #nodes = new Map<string, Redis>();
  readonly #timer: NodeJS.Timeout;
  #state: GateState;
  #isReported = false;
  /** What the start nodes last failed with. */
  #lastError: string | undefined;

  constructor(connection: ClusterConnection, options: RedisStoreOptions) {
    this.#options = options;
    this.#state = { kind: 'down', reason: 'connecting', sinceMs: options.clock() };
    const { retryStrategy, enableOfflineQueue: _, ...perNode } = decisionConnection(options.random);
    const retry = (): number => retryStrategy?.(1) ?? REFRESH_EVERY_MS;
    this.#cluster = new Cluster([...connection.nodes] as ClusterNode[], {
      enableOfflineQueue: false,
      clusterRetryStrategy: retry,
      clusterNodeRetryStrategy: retry,
      slotsRefreshInterval: 5_000,
      redisOptions: { ...connection.redis, ...perNode },
      ...(connection.natMap === undefined ? {} : { natMap: connection.natMap }),
    });
    this.#givenUp = new GivenUp(this.#cluster);
    this.#cluster.on('error', (error: Error) => {
      this.#lastError = redisFailure(error);
    });
    this.#cluster.on('+node', (redis: Redis) => this.#nodes.set(keyOf(redis), redis));
    this.#cluster.on('-node', (redis: Redis) => this.#forget(redis));
    this.#cluster.on('ready', () => {
      this.#lastError = undefined;
      this.#openLinks();
    });
    this.#timer = setInterval(() => this.#refresh(), REFRESH_EVERY_MS).unref();
  }

  get available(): boolean {
    for (const link of this.#links.values()) if (link.gate.isUp) return true;
    return false;
  }

  get isGone(): boolean {
    for (const link of this.#links.values()) if (!link.gate.isGone) return false;
    return true;
  }

  get state(): GateState {
    return this.#state;
  }

  take(wants: readonly Want[], deadlineMs: number, sink: StoreSink): void {
    const groups = new Map<RedisLink, Want[]>();
    const skipped: Want[] = [];
    for (const want of wants) {
      const link = this.#linkOf(want.client);
      if (link === undefined || !(link.gate.isUp || (want.isPatient === true && !link.gate.isGone))) {
        skipped.push(want);
        continue;
      }
      const group = groups.get(link);
      if (group === undefined) groups.set(link, [want]);
      else group.push(want);
    }
    for (const [link, group] of groups) {
      const { stream } = link.redis;
      stream.cork();
      for (const want of group) link.take([want], deadlineMs, sink);
      stream.uncork();
    }
    if (skipped.length > 0) sink.settled(skipped, 'skipped');
  }

  renewLogin(config: RedisConfig): void {
    renewLogin(this.#cluster, config);
  }

  doubt(): void {
    for (const link of this.#links.values()) link.doubt();
  }

  close(): void {
    clearInterval(this.#timer);
    for (const link of this.#links.values()) link.close();
    this.#cluster.disconnect();
  }

  #linkOf(client: string): RedisLink | undefined {
    const [primary] = this.#cluster.slots[hashSlotOf(client)] ?? [];
    const redis = primary === undefined ? undefined : this.#nodes.get(primary);
    return redis === undefined ? undefined : this.#linkTo(redis);
  }

  #linkTo(redis: Redis): RedisLink {
    let link = this.#links.get(redis);
    if (link === undefined) {
      link = new RedisLink(redis, {
        ...REDIS_STORE_DEFAULTS,
        ...this.#options,
        script: this.#options.script ?? takeScript,
        scriptWhenFull: takeScriptWhenFull,
        keyOf: clusterBucketKey,
        onChange: () => this.#report(),
        onRedirect: (call, message) => this.#redirect(call, message),
      });
      this.#links.set(redis, link);
      link.gate.probeNow();
    }
    return link;
  }

  #openLinks(): void {
    for (const redis of this.#cluster.nodes('master')) this.#linkTo(redis);
  }

  #forget(redis: Redis): void {
    if (this.#nodes.get(keyOf(redis)) === redis) this.#nodes.delete(keyOf(redis));
    this.#links.get(redis)?.close();
    this.#links.delete(redis);
    this.#report();
  }

  /** While a node is away, asks the others who has its slots now. */
  #refresh(): void {
    if (this.#state.kind === 'up') return;
    if (!this.#isReported && this.#options.clock() - this.#state.sinceMs >= START_MS) {
      // Never up since the start: no gate has said so, because no node is known.
      this.#tell({ ...this.#state, reason: this.#lastError ?? this.#state.reason });
    }
    this.#givenUp.look(this.#options.clock());
    if (this.#cluster.status !== 'ready') return;
    this.#cluster.refreshSlotsCache(() => {
      this.#openLinks();
      this.#report();
    });
  }

  /** `MOVED 3999 127.0.0.1:6381` or `ASK …`: nothing was run, so sending it on is no repetition. */
  #redirect(call: ScriptCall, message: string): boolean {
    const [kind, slot, address = ''] = message.split(' ');
    if (kind === 'TRYAGAIN' || ++call.redirects > MAX_REDIRECTS) return false;
    const redis = this.#nodes.get(address);
    if (kind === 'MOVED') {
      this.#cluster.refreshSlotsCache();
      if (redis !== undefined) this.#cluster.slots[Number(slot)] = [address];
    }
    if (redis === undefined) return false;
    const link = this.#linkTo(redis);
    if (kind === 'ASK') link.sendAsking(call);
    else link.send(call);
    return true;
  }

  /** The whole is up when every primary is. */
  #report(): void {
    let state: GateState = { kind: 'up', failures: 0 };
    for (const redis of this.#cluster.nodes('master')) {
      const one = this.#links.get(redis)?.gate.state;
      if (one?.kind === 'down') state = { ...one, reason: `${keyOf(redis)}: ${one.reason}` };
    }
    if (this.#links.size === 0)
      state = { kind: 'down', reason: this.#lastError ?? 'no nodes', sinceMs: this.#options.clock() };
    const isOther = this.#isReported && reasonIn(state) !== reasonIn(this.#state);
    if (state.kind === this.#state.kind && !isOther) return;
    this.#tell(state);
  }

  #tell(state: GateState): void {
    this.#state = state;
    this.#isReported = true;
    this.#options.onChange(state);
  }
}

const reasonIn = (state: GateState): string | undefined => (state.kind === 'down' ? state.reason : undefined);

const keyOf = (redis: Redis): string => `${redis.options.host ?? ''}:${redis.options.port ?? 0}`;
