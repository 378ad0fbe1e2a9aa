import { Redis } from 'ioredis';
import type { RedisOptions } from 'ioredis';
import { ANY_REDIS } from '../../../shared/redis/connection.ts';
import { renewLogin } from '../../../shared/redis/renew-login.ts';
import { plainBucketKey } from '../../../shared/redis/keys.ts';
import type { RedisConfig } from '../../../shared/config/types.ts';
import { takeScript, takeScriptWhenFull } from '../../../shared/limits/take-script.ts';
import type { Script } from '../../../shared/redis/scripts.ts';
import type { LimitStore, StoreSink, Want } from '../../../shared/limits/store.ts';
import type { FlightTimer } from './flight-timer.ts';
import type { ThreadMetrics } from '../metrics/thread-metrics.ts';
import type { DecisionTimeout } from './decision-timeout.ts';
import { RedisLink } from './redis-link.ts';
import type { GateState } from './store-gate.ts';
import type { StoreRoom } from './store-room.ts';

export interface RedisStoreOptions {
  readonly clock: () => number;
  /** In [0, 1): spreads the reconnections of many threads and nodes. */
  readonly random: () => number;
  readonly flights: FlightTimer;
  readonly metrics: ThreadMetrics;
  /** Without it there is always room. */
  readonly room?: StoreRoom;
  /** How long a decision waits; told of every round trip. Without it any time is taken. */
  readonly timeout?: DecisionTimeout;
  /** Called once per change between asked and skipped, and while skipped when the reason is another. */
  readonly onChange: (state: GateState) => void;
  /** Failures in a row after which Redis is skipped. */
  readonly failuresToSkip?: number;
  readonly probeEveryMs?: number;
  readonly probeTimeoutMs?: number;
  /** A connection on which nothing has come for so long is asked whether anybody is there. */
  readonly idleAskMs?: number;
  /** Keys in one script; measured so that one script holds Redis for less than a millisecond. */
  readonly maxKeysPerScript?: number;
  /** Only the audit tests give another one. */
  readonly script?: Script;
}

export const REDIS_STORE_DEFAULTS = {
  failuresToSkip: 3,
  probeEveryMs: 200,
  // A pause of a second, a fork or a slow command, costs no connection: what was under way is booked when it ends.
  probeTimeoutMs: 1_000,
  maxKeysPerScript: 128,
  idleAskMs: 10_000,
} as const;

/**
 * What every connection that decides needs: nothing is queued while Redis is away, nothing is sent again whose fate
 * is unknown, and a lost connection is tried again about five times a second for ever.
 */
export type RedisConnection = Omit<RedisOptions, 'replyMapping'>;

export const decisionConnection = (random: () => number): RedisConnection => ({
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  connectTimeout: 500,
  retryStrategy: () => 100 + random() * 100,
  ...ANY_REDIS,
});

/** A single Redis, or the primary that Sentinel names: one script for many clients. */
export class RedisStore implements LimitStore {
  readonly #link: RedisLink;
  readonly #maxKeys: number;

  /** @param connection address, credentials, TLS and, for Sentinel, `sentinels` and `name` */
  constructor(connection: RedisConnection, options: RedisStoreOptions) {
    this.#maxKeys = options.maxKeysPerScript ?? REDIS_STORE_DEFAULTS.maxKeysPerScript;
    const redis = new Redis({ ...connection, ...decisionConnection(options.random) });
    this.#link = new RedisLink(redis, {
      ...REDIS_STORE_DEFAULTS,
      ...options,
      script: options.script ?? takeScript,
      scriptWhenFull: takeScriptWhenFull,
      keyOf: plainBucketKey,
    });
  }

  get available(): boolean {
    return this.#link.gate.isUp;
  }

  get isGone(): boolean {
    return this.#link.gate.isGone;
  }

  get state(): GateState {
    return this.#link.gate.state;
  }

  take(wants: readonly Want[], deadlineMs: number, sink: StoreSink): void {
    let start = 0;
    let keys = 0;
    for (let i = 0; i < wants.length; i++) {
      const rules = (wants[i] as Want).lane.rules.length;
      if (keys + rules > this.#maxKeys && i > start) {
        this.#link.take(wants.slice(start, i), deadlineMs, sink);
        start = i;
        keys = 0;
      }
      keys += rules;
    }
    this.#link.take(start === 0 ? wants : wants.slice(start), deadlineMs, sink);
  }

  renewLogin(config: RedisConfig): void {
    renewLogin(this.#link.redis, config);
  }

  doubt(): void {
    this.#link.doubt();
  }

  close(): void {
    this.#link.close();
    this.#link.redis.disconnect();
  }
}
