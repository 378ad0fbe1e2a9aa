import { setTimeout as wait } from 'node:timers/promises';
import type { Logger } from 'pino';
import { monotonicMs, random } from '../../../shared/clock.ts';
import type { Config, RouteConfig } from '../../../shared/config/types.ts';
import { ClientKeys, hashedClient, plainClient } from '../../../shared/limits/client-key.ts';
import { IpClients } from '../../../shared/limits/ip-client.ts';
import {
  policyValue,
  type RateLimitHeaderMode,
  type RateLimitHeaders,
} from '../../../shared/limits/rate-limit-headers.ts';
import { compileRule } from '../../../shared/limits/rule.ts';
import { SharedMemoryStore } from '../../../shared/limits/shared-memory-store.ts';
import type { LimitStore } from '../../../shared/limits/store.ts';
import { TrustedProxies } from '../../../shared/net/trusted-proxies.ts';
import { Deadlines } from './deadlines.ts';
import type { LimitLane } from './limit-lane.ts';
import { Limiter, LIMITER_DEFAULTS, newLimiterCounters } from './limiter.ts';
import type { RedisCounters } from './redis-link.ts';
import type { openRedisStore } from './open-redis-store.ts';
import { ShadowLog } from './shadow-log.ts';
import type { GateState } from './store-gate.ts';

const STORE_LOOK_MS = 5;

export interface ThreadLimitsStart {
  readonly config: Config;
  /** Row of this thread; no two live threads have the same. */
  readonly slot: number;
  readonly memoryBuckets: SharedArrayBuffer;
  readonly liveNodes: number;
  readonly log: Logger;
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
  readonly counters = newLimiterCounters();
  readonly redisCounters: RedisCounters = { commands: 0, scriptLoads: 0, timeouts: 0, errors: 0 };
  readonly shadow: ShadowLog;
  liveNodes: number;
  /** Why the store is not asked; '' = it is. */
  degraded = '';
  keys: ClientKeys;
  readonly #store: LimitStore;
  readonly #log: Logger;
  readonly #deadlines = new Deadlines({ clock: monotonicMs });
  #headerMode: RateLimitHeaderMode;
  #exemptAddresses: TrustedProxies;
  #exemptNames: ReadonlySet<string>;

  constructor(start: ThreadLimitsStart) {
    const { config } = start;
    this.#log = start.log;
    this.shadow = new ShadowLog(start.log);
    this.liveNodes = start.liveNodes;
    this.keys = new ClientKeys(config.limits.key, new IpClients(config.limits.ipv6Prefix));
    this.#headerMode = config.limits.headers;
    this.#exemptAddresses = new TrustedProxies(config.limits.allowlist.cidrs);
    this.#exemptNames = exemptNames(config);
    const memory = new SharedMemoryStore(start.memoryBuckets, {
      owner: start.slot + 1,
      lockWaitMs: config.limits.timeoutMs,
    });
    this.#store = this.#openRedisStore(start) ?? memory;
    this.limiter = new Limiter({
      ...LIMITER_DEFAULTS,
      clock: monotonicMs,
      store: this.#store,
      local: memory,
      liveNodes: () => this.liveNodes,
      timeoutMs: config.limits.timeoutMs,
      batchMaxWaitMs: config.limits.batchMaxWaitMs,
      counters: this.counters,
      onError: (error) => start.log.error({ err: error }, 'a request failed after its limit was decided'),
    });
  }

  /** Takes over what a reload may change; the store and its time-outs stay until a restart. */
  apply(config: Config): void {
    this.keys = new ClientKeys(config.limits.key, new IpClients(config.limits.ipv6Prefix));
    this.#headerMode = config.limits.headers;
    this.#exemptAddresses = new TrustedProxies(config.limits.allowlist.cidrs);
    this.#exemptNames = exemptNames(config);
  }

  routeLimit({ limits }: RouteConfig): RouteLimit | undefined {
    if (limits === undefined) return undefined;
    const rules = limits.rules.map(compileRule);
    const { cost, onStoreFailure, leaseTokens, shadow } = limits;
    const lane = this.limiter.lane({ rules, cost, onStoreFailure, leaseTokens });
    return { lane, shadow, headers: { mode: this.#headerMode, policy: policyValue(rules) } };
  }

  /** Never limited, never asked about. */
  isExempt(address: string, client: string): boolean {
    if (!this.#exemptAddresses.empty && this.#exemptAddresses.isTrusted(address)) return true;
    return this.#exemptNames.size > 0 && this.#exemptNames.has(client);
  }

  /** Resolves when the store is asked, or after `withinMs`: a thread that has just started should not limit for itself. */
  async storeAsked(withinMs: number): Promise<void> {
    const endMs = monotonicMs() + withinMs;
    while (!this.#store.available && monotonicMs() < endMs) await wait(STORE_LOOK_MS);
  }

  /** Gives back what was taken ahead and ends connections. */
  async close(): Promise<void> {
    const { flushes, requests, clients, sizes } = this.counters.batches;
    // sizes[i]: flushes of 2^i to 2^(i+1) - 1 requests
    if (flushes > 0) this.#log.info({ flushes, requests, clients, sizes }, 'rate limits: batches sent to Redis');
    await this.limiter.close();
    this.shadow.close();
    this.#deadlines.close();
  }

  #openRedisStore({ config, openRedisStore: open }: ThreadLimitsStart): LimitStore | undefined {
    if (config.redis === undefined || open === undefined) return undefined;
    this.degraded = 'rate limits: connecting to Redis';
    return open(config.redis, {
      clock: monotonicMs,
      random,
      deadlines: this.#deadlines,
      counters: this.redisCounters,
      onChange: (state) => this.#onStoreChange(state),
    });
  }

  #onStoreChange(state: GateState): void {
    if (state.kind === 'up') {
      this.degraded = '';
      this.#log.info('rate limits: Redis answers, limits are shared again');
    } else {
      this.degraded = `rate limits: Redis is not asked (${state.reason})`;
      this.#log.error(
        { reason: state.reason },
        'rate limits: Redis is not asked; each route goes on as its on_store_failure says',
      );
    }
  }
}

/** An entry of the allow-list names a client by the value its header has, whichever way that becomes a name. */
function exemptNames(config: Config): ReadonlySet<string> {
  const names = new Set<string>();
  for (const key of config.limits.allowlist.keys) names.add(hashedClient(key)).add(plainClient(key));
  return names;
}
