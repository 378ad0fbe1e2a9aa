import { createProcessClock } from '../breaker/process-clock.ts';
import type { Lane } from './rule.ts';
import { SharedBucketTable } from './shared-bucket-table.ts';
import type { DeadlineMs, DecidesAtOnce, LimitStore, StoreSink, Taken, Want } from './store.ts';
import { emptyBucket, TakeSteps } from './take-steps.ts';
import type { Asked, BucketLane, BucketRule } from './take-steps.ts';
import { fillUp, refill } from './token-bucket.ts';

export interface SharedMemoryStoreOptions {
  /** Number of this thread among those that use the memory, from 1. @see freeLocksOf */
  readonly owner: number;
  /** Milliseconds on a clock that all threads share; the default is one. */
  readonly clock?: () => number;
  /** Longest wait for another thread that was stopped, or ended, in the middle of a decision; milliseconds. */
  readonly lockWaitMs?: number;
}

const LOCK_WAIT_MS = 10;
const ONE: Asked = { units: 1 };
const ONE_FOR_ANYBODY: Asked = { units: 1, mayMake: true };

/** Buckets in memory that all threads of the process share: exact, bounded, decided without a message. */
export class SharedMemoryStore implements LimitStore, DecidesAtOnce {
  readonly available = true;
  readonly isGone = false;
  readonly #clock: () => number;
  readonly #table: SharedBucketTable;
  readonly #steps: TakeSteps;

  /** @param memory createBucketMemory(…), the same for every thread */
  constructor(memory: SharedArrayBuffer, options: SharedMemoryStoreOptions) {
    this.#clock = options.clock ?? createProcessClock();
    this.#table = new SharedBucketTable(memory, {
      owner: options.owner,
      lockWaitMs: options.lockWaitMs ?? LOCK_WAIT_MS,
    });
    this.#steps = new TakeSteps(this.#table);
  }

  get atOnce(): DecidesAtOnce {
    return this;
  }

  get left(): readonly number[] {
    return this.#steps.left;
  }

  takeNow(client: string, lane: Lane, mayMake = false): Taken {
    return this.#granted(client, lane, mayMake ? ONE_FOR_ANYBODY : ONE);
  }

  /** The same with levels that are known from elsewhere, for the time when another store cannot be asked. */
  takeSeeded(client: string, lane: BucketLane, asked: Pick<Asked, 'seed' | 'mayMake'>): Taken {
    return this.#granted(client, lane, { units: 1, ...asked });
  }

  take(wants: readonly Want[], _deadlineMs: DeadlineMs, sink: StoreSink): void {
    const settled: Want[] = [];
    const locked: Want[] = [];
    for (const want of wants) {
      const granted = this.#take(want.client, want.lane, want);
      if (granted === undefined) {
        locked.push(want);
        continue;
      }
      want.isNew = granted === 'full';
      want.granted = granted === 'full' ? 0 : granted;
      for (let i = 0; i < want.lane.rules.length; i++) {
        want.left[i] = this.left[i] as number;
        if (want.unpaid !== undefined) want.unpaid[i] = this.#steps.unpaid[i] as number;
      }
      settled.push(want);
    }
    if (settled.length > 0) sink.settled(settled, undefined);
    if (locked.length > 0) sink.settled(locked, 'locked');
  }

  /** Forgets one bucket: its client starts with a full one. */
  reset(client: string, keySuffix: string): boolean {
    if (!this.#table.open(client)) return false;
    try {
      return this.#table.delete(keySuffix);
    } finally {
      this.#table.close();
    }
  }

  /** Tokens in a bucket now, under this rule, and whether that is what it was last used with; nothing is changed. */
  levelNow(
    client: string,
    rule: BucketRule,
  ): { readonly tokens: number; readonly isAsStored: boolean } | 'none' | 'locked' {
    const level = this.#within(client, (nowMs) => {
      const found = emptyBucket();
      if (!this.#table.load(0, rule.keySuffix, found)) return 'none';
      const isAsStored = found.capacity === rule.capacity && found.refillPerSecond === rule.refillPerSecond;
      refill(found, rule, nowMs);
      return { tokens: found.tokens, isAsStored };
    });
    return level ?? 'locked';
  }

  /** The tokens alone. */
  tokensNow(client: string, rule: BucketRule): number | 'none' | 'locked' {
    const level = this.levelNow(client, rule);
    return typeof level === 'string' ? level : level.tokens;
  }

  /** Sets the level of a bucket, which is made where there is none. `false` = it is locked. */
  setTokens(client: string, rule: BucketRule, tokens: number): boolean {
    const bucket = this.#within(client, (nowMs) => {
      const found = emptyBucket();
      if (!this.#table.load(0, rule.keySuffix, found)) fillUp(found, rule, nowMs);
      refill(found, rule, nowMs);
      found.tokens = Math.min(tokens, rule.capacity);
      this.#table.save(0, rule.keySuffix, found);
      return found;
    });
    return bucket !== undefined;
  }

  /** Buckets dropped before they were full, by all threads. */
  get evictions(): number {
    return this.#table.evictions;
  }

  /** Buckets that are not full now: a look at all of them, for tests and people. */
  count(): number {
    return this.#table.count(this.#clock());
  }

  close(): void {}

  /** @returns `undefined`: the bucket is locked */
  #within<T>(client: string, work: (nowMs: number) => T): T | undefined {
    const table = this.#table;
    if (!table.open(client)) return undefined;
    try {
      const nowMs = this.#clock();
      table.at(nowMs);
      return work(nowMs);
    } finally {
      table.close();
    }
  }

  #granted(client: string, lane: BucketLane, asked: Asked): Taken {
    const granted = this.#take(client, lane, asked);
    return typeof granted === 'number' ? granted > 0 : granted;
  }

  #take(client: string, lane: BucketLane, asked: Asked): number | 'full' | undefined {
    const table = this.#table;
    if (!table.open(client)) return undefined;
    try {
      const nowMs = this.#clock();
      table.at(nowMs);
      return this.#steps.take(lane, asked, nowMs) ?? 'full';
    } finally {
      table.close();
    }
  }
}
