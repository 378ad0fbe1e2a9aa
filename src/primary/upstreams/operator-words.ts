import { createProcessClock } from '../../shared/breaker/process-clock.ts';
import type { RedisClient } from '../limits/asked-redis.ts';
import { AskedRedis } from '../limits/asked-redis.ts';
import { OverrideBook } from '../limits/override-book.ts';
import type { ListedOverride } from '../limits/override-book.ts';
import { OverridesHash } from '../limits/overrides-hash.ts';
import type { OverrideChange, OverrideKind } from '../limits/overrides-hash.ts';

/** Where an operator's words are kept, and whether anybody goes by them. */
export interface WordsPlace {
  /** Made without offline queue; closed by whoever made it. `undefined`: this process is alone. */
  readonly redis: RedisClient | undefined;
  /** Events aside they are looked at only while this holds. */
  readonly isOfUse: () => boolean;
}

/** What operators have said of upstreams, on all nodes that share the Redis, each for a time, by a key. */
export class OperatorWords<State extends string> {
  readonly #clock = createProcessClock();
  readonly #book: OverrideBook<State>;
  #ends: NodeJS.Timeout | undefined;

  /** @param onChange these hold now */
  constructor(
    kind: OverrideKind<State>,
    { redis, isOfUse }: WordsPlace,
    onChange: (all: readonly (readonly [key: string, state: State])[]) => void,
  ) {
    this.#book = new OverrideBook<State>({
      hash: new OverridesHash(new AskedRedis(redis), kind),
      clock: this.#clock,
      isOfUse,
      apply: (all) => {
        this.#endAt(Math.min(...all.map(([, , untilMs]) => untilMs)));
        onChange(all.map(([key, state]) => [key, state]));
        return Promise.resolve();
      },
    });
    redis?.on('ready', () => void this.#book.refresh());
  }

  /** `undefined`: nobody has said anything of it. */
  of(key: string): ListedOverride<State> | undefined {
    return this.#book.list().find(({ client }) => client === key);
  }

  /** Holds on this node at once. @returns for whom it holds; `full`: there are too many, and nothing was changed */
  change(change: OverrideChange<State>): Promise<'cluster' | 'node' | 'full'> {
    return this.#book.change(change);
  }

  /** Another node, or this one, has said something on the channel of events. */
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
