import type { LimitControl } from './limit-control.ts';
import type { MemoryBuckets } from './memory-buckets.ts';
import type { OverrideBook } from './override-book.ts';
import type { OverrideChange } from './overrides-hash.ts';
import type { RedisBuckets } from './redis-buckets.ts';
import type { ClusterRefused } from './refused-sharing.ts';

/** The limits as one operator's call sees them: all that it asks Redis, one after the other, is over by one time. */
export class LimitCall {
  readonly memory: MemoryBuckets;
  readonly shared: RedisBuckets | undefined;
  readonly overrides: Pick<OverrideBook, 'all' | 'get'>;
  readonly #control: LimitControl;
  readonly #endMs: number;

  /** @param endMs on the monotonic clock */
  constructor(control: LimitControl, endMs: number) {
    this.#control = control;
    this.#endMs = endMs;
    this.memory = control.memory;
    this.shared = control.shared?.until(endMs);
    this.overrides = control.overrides;
  }

  get config(): LimitControl['config'] {
    return this.#control.config;
  }

  get routes(): LimitControl['routes'] {
    return this.#control.routes;
  }

  /** @see LimitControl.limitsOf */
  limitsOf(client: string): ReturnType<LimitControl['limitsOf']> {
    return this.#control.limitsOf(client);
  }

  /** @see LimitControl.rulesOf */
  rulesOf(client: string): ReturnType<LimitControl['rulesOf']> {
    return this.#control.rulesOf(client);
  }

  /** @see LimitControl.refusedHere */
  refusedHere(): readonly string[] {
    return this.#control.refusedHere();
  }

  /** @see LimitControl.refused */
  refused(): Promise<ClusterRefused> {
    return this.#control.refused(this.#endMs);
  }

  /** @see OverrideBook.change */
  changeOverride(change: OverrideChange): ReturnType<OverrideBook['change']> {
    return this.#control.overrides.change(change, this.#endMs);
  }

  /** @see LimitControl.forget */
  forget(client: string, reset: boolean): Promise<void> {
    return this.#control.forget({ client, reset, endMs: this.#endMs });
  }
}
