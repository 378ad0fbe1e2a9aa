import { createProcessClock } from '../../shared/breaker/process-clock.ts';
import { TARGET_DRAINS_KEY } from '../../shared/redis/keys.ts';
import type { RedisClient } from '../limits/asked-redis.ts';
import { AskedRedis } from '../limits/asked-redis.ts';
import { OverrideBook } from '../limits/override-book.ts';
import { OverridesHash } from '../limits/overrides-hash.ts';
import type { OverrideKind } from '../limits/overrides-hash.ts';

const DRAINS: OverrideKind<'DRAINED'> = {
  key: TARGET_DRAINS_KEY,
  states: ['DRAINED'],
  changed: { type: 'target-drains' },
};

export interface TargetDrainsOptions {
  /** Made without offline queue; closed by whoever made it. `undefined`: this process is alone. */
  readonly redis: RedisClient | undefined;
  /** Other targets are drained now, by `targetKey`. */
  readonly onChange: (keys: readonly string[]) => void;
  /** Some upstream has several targets. */
  readonly isOfUse: () => boolean;
}

/** What an operator says of a target. */
export interface DrainChange {
  /** targetKey(…) */
  readonly key: string;
  readonly state: 'DRAINED' | 'AUTO';
  /** Meaningless for AUTO. */
  readonly forMs: number;
  readonly by: string;
}

/** A target that gets no new requests because an operator has said so. */
export interface DrainView {
  readonly remainingMs: number;
  readonly by: string;
}

/** Targets that operators have drained, on all nodes that share the Redis, and for how long. */
export class TargetDrains {
  readonly #clock = createProcessClock();
  readonly #book: OverrideBook<'DRAINED'>;
  #keys: readonly string[] = [];
  #ends: NodeJS.Timeout | undefined;

  constructor(options: TargetDrainsOptions) {
    this.#book = new OverrideBook({
      hash: new OverridesHash(new AskedRedis(options.redis), DRAINS),
      clock: this.#clock,
      isOfUse: options.isOfUse,
      apply: (all) => {
        this.#keys = all.map(([key]) => key);
        this.#endAt(Math.min(...all.map(([, , untilMs]) => untilMs)));
        options.onChange(this.#keys);
        return Promise.resolve();
      },
    });
    options.redis?.on('ready', () => void this.#book.refresh());
  }

  /** By `targetKey`, for a new thread. */
  current(): readonly string[] {
    return this.#keys;
  }

  /** `undefined`: nobody has drained it. */
  of(key: string): DrainView | undefined {
    const found = this.#book.get(key);
    if (found === undefined) return undefined;
    const by = this.#book.list().find(({ client }) => client === key)?.by ?? '';
    return { remainingMs: found.remainingMs, by };
  }

  /** Holds on this node at once. @returns for whom it holds; `full`: too many are drained, and nothing was changed */
  change({ key, ...change }: DrainChange): Promise<'cluster' | 'node' | 'full'> {
    return this.#book.change({ client: key, ...change });
  }

  /** Another node, or this one, has said so on the channel of events. */
  onEvent(): void {
    this.#book.hint();
  }

  /** Idempotent. */
  close(): void {
    clearTimeout(this.#ends);
    this.#book.close();
  }

  /** The first of them ends then. */
  #endAt(untilMs: number): void {
    clearTimeout(this.#ends);
    if (!Number.isFinite(untilMs)) return;
    this.#ends = setTimeout(() => void this.#book.refresh(), Math.max(1, untilMs - this.#clock() + 1)).unref();
  }
}
