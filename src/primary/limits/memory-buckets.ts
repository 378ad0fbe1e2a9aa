import { limitOfShare } from '../../shared/limits/process-share.ts';
import type { CompiledRule } from '../../shared/limits/rule.ts';
import type { SharedMemoryStore } from '../../shared/limits/shared-memory-store.ts';
import type { BucketRule } from '../../shared/limits/take-steps.ts';
import type { AskedRule, Buckets, Level } from './buckets.ts';

export interface MemoryBucketsOptions {
  readonly memory: SharedMemoryStore;
  /** Nodes among which the limits are shared out while each counts for itself; 1 without a Redis. */
  readonly share: () => number;
}

/** The buckets of this process: all there are without a Redis, and what counts while it cannot be asked. */
export class MemoryBuckets implements Buckets {
  readonly #options: MemoryBucketsOptions;

  constructor(options: MemoryBucketsOptions) {
    this.#options = options;
  }

  levels(client: string, asked: readonly AskedRule[]): Promise<readonly Level[] | undefined> {
    const { memory } = this.#options;
    const levels: Level[] = [];
    for (const each of asked) {
      const limit = this.#limitOf(each);
      const found = memory.levelNow(client, limit);
      if (found === 'locked') return Promise.resolve(undefined);
      levels.push(
        found === 'none'
          ? { exists: false, isAsStored: false, tokens: limit.capacity, limit }
          : { exists: true, ...found, limit },
      );
    }
    return Promise.resolve(levels);
  }

  setTokens(client: string, asked: readonly AskedRule[], tokens: number): Promise<true | undefined> {
    let done = true;
    for (const each of asked) {
      if (each.rule.capacity === 0) continue; // never stored
      if (!this.#options.memory.setTokens(client, this.#limitOf(each), tokens)) done = false;
    }
    return Promise.resolve(done ? true : undefined);
  }

  remove(client: string, rules: readonly CompiledRule[]): Promise<number> {
    const removed = rules.filter(({ keySuffix }) => this.#options.memory.reset(client, keySuffix));
    return Promise.resolve(removed.length);
  }

  #limitOf({ rule, cost }: AskedRule): BucketRule {
    const share = this.#options.share();
    return share > 1 ? limitOfShare(rule, { cost }, share) : rule;
  }
}
