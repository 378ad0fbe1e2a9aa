import { createProcessClock } from '../../shared/breaker/process-clock.ts';
import { SPLITS_KEY } from '../../shared/redis/keys.ts';
import type { RedisClient } from '../limits/asked-redis.ts';
import { AskedRedis } from '../limits/asked-redis.ts';
import { OverrideBook } from '../limits/override-book.ts';
import { OverridesHash } from '../limits/overrides-hash.ts';
import type { OverrideKind } from '../limits/overrides-hash.ts';

const SPLITS: OverrideKind<string> = {
  key: SPLITS_KEY,
  states: Array.from({ length: 101 }, (_, weight) => String(weight)),
  changed: { type: 'splits' },
};

/** A weight that an operator has set, by `splitKey`. */
export type MovedWeight = readonly [key: string, weight: number];

export interface SplitWeightsOptions {
  /** Made without offline queue; closed by whoever made it. `undefined`: this process is alone. */
  readonly redis: RedisClient | undefined;
  /** Others are set now. */
  readonly onChange: (weights: readonly MovedWeight[]) => void;
  /** Some route has a split. */
  readonly isOfUse: () => boolean;
}

/** What an operator says of one side. */
export interface WeightChange {
  /** splitKey(…) */
  readonly key: string;
  /** 0 to 100; null: as configured. */
  readonly weight: number | null;
  readonly forMs: number;
  readonly by: string;
}

export interface MovedView {
  readonly weight: number;
  readonly remainingMs: number;
  readonly by: string;
}

/** Weights of splits that operators have moved, on all nodes that share the Redis, and for how long. */
export class SplitWeights {
  readonly #clock = createProcessClock();
  readonly #book: OverrideBook<string>;
  #weights: readonly MovedWeight[] = [];
  #ends: NodeJS.Timeout | undefined;

  constructor(options: SplitWeightsOptions) {
    this.#book = new OverrideBook({
      hash: new OverridesHash(new AskedRedis(options.redis), SPLITS),
      clock: this.#clock,
      isOfUse: options.isOfUse,
      apply: (all) => {
        this.#weights = all.map(([key, weight]) => [key, Number(weight)]);
        this.#endAt(Math.min(...all.map(([, , untilMs]) => untilMs)));
        options.onChange(this.#weights);
        return Promise.resolve();
      },
    });
    options.redis?.on('ready', () => void this.#book.refresh());
  }

  /** For a new thread. */
  current(): readonly MovedWeight[] {
    return this.#weights;
  }

  /** `undefined`: nobody has moved it. */
  of(key: string): MovedView | undefined {
    const found = this.#book.list().find(({ client }) => client === key);
    return found && { weight: Number(found.state), remainingMs: found.remainingMs, by: found.by };
  }

  /** Holds on this node at once. @returns for whom it holds; `full`: too many are moved, and nothing was changed */
  change({ key, weight, forMs, by }: WeightChange): Promise<'cluster' | 'node' | 'full'> {
    return this.#book.change({ client: key, state: weight === null ? 'AUTO' : String(weight), forMs, by });
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
