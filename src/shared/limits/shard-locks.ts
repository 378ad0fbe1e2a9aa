import { LOCK, SHARD_WORDS, viewBucketMemory } from './bucket-memory.ts';

/**
 * One lock per shard: 0 = free, n = held by owner n, -n = held, and somebody sleeps. Sections are a few hundred
 * nanoseconds, so a lock that is taken is nearly always free after some tries; it is not when its holder was suspended
 * in the section, and then the others sleep.
 *
 * A holder can also be ended there (`worker.terminate()`). Time cannot tell a dead holder from a suspended one, and to
 * break the lock of a suspended one lets two in. So no lock is ever broken by age: the front, which knows when a thread
 * has exited, frees what it left (`freeLocksOf`), milliseconds later. Until then nobody waits longer than `waitMs`.
 */
const TRIES = 300;
const NAP_MS = 1;

export class ShardLocks {
  readonly #words: Int32Array;
  readonly #owner: number;
  readonly #waitMs: number;

  /** @param owner number of this thread, from 1; no two live threads have the same */
  constructor(words: Int32Array, options: { readonly owner: number; readonly waitMs: number }) {
    this.#words = words;
    this.#owner = options.owner;
    this.#waitMs = options.waitMs;
  }

  /** `false`: it could not be had in time, and is not held. */
  acquire(shard: number): boolean {
    const at = shard * SHARD_WORDS + LOCK;
    for (let i = 0; i < TRIES; i++) {
      if (Atomics.load(this.#words, at) !== 0) continue; // a look leaves the cache line with its holder, a try does not
      if (Atomics.compareExchange(this.#words, at, 0, this.#owner) === 0) return true;
    }
    return this.#sleepFor(at);
  }

  release(shard: number): void {
    const at = shard * SHARD_WORDS + LOCK;
    if (Atomics.exchange(this.#words, at, 0) < 0) Atomics.notify(this.#words, at, 1);
  }

  #sleepFor(at: number): boolean {
    const words = this.#words;
    const endMs = performance.now() + this.#waitMs;
    do {
      const seen = Atomics.load(words, at);
      // Having slept, it says that others may sleep too: the next release wakes one for nothing, at worst.
      if (seen === 0) {
        if (Atomics.compareExchange(words, at, 0, -this.#owner) === 0) return true;
      } else if (seen < 0 || Atomics.compareExchange(words, at, seen, -seen) === seen) {
        Atomics.wait(words, at, -Math.abs(seen), NAP_MS);
      }
    } while (performance.now() < endMs);
    return false;
  }
}

/**
 * Frees the locks that a thread held when it ended. Call it after the thread has exited and before its number is given
 * away again. The bucket it was writing errs on the low side at worst (see SharedBucketTable).
 */
export function freeLocksOf(memory: SharedArrayBuffer, owner: number): void {
  const { shards, shardLines } = viewBucketMemory(memory);
  for (let shard = 0; shard < shards; shard++) {
    const at = shard * SHARD_WORDS + LOCK;
    const left = Atomics.load(shardLines, at);
    if (Math.abs(left) !== owner) continue;
    // Only a sleeper's mark can still change the word: n to -n.
    Atomics.store(shardLines, at, 0);
    Atomics.notify(shardLines, at);
  }
}
