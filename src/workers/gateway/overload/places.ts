import { cellOf, CELL_WORDS } from '../../../shared/overload/concurrency-memory.ts';
import type { ConcurrencyMemory } from '../../../shared/overload/concurrency-memory.ts';
import { PRIORITIES } from '../../../shared/overload/priority.ts';
import type { Priority } from '../../../shared/overload/priority.ts';

export interface PlacesOptions {
  readonly memory: ConcurrencyMemory;
  readonly row: number;
  /** Of this thread. */
  readonly slot: number;
}

/**
 * The places of an upstream's limit, as one thread takes and gives them back: a number of its own for each thread, added up.
 * A thread may have what others leave. Of requests that matter the same, those on a thread with less than its part come
 * first, or a thread that is never without requests would keep a place that it gives back for itself; those that matter more
 * come first in any case, up to that part.
 */
export class Places {
  #most = 0;
  /** Of each thread. */
  #part = 1;
  readonly #words: Int32Array;
  readonly #first: number;
  readonly #end: number;
  readonly #own: number;

  constructor({ memory, row, slot }: PlacesOptions) {
    this.#words = new Int32Array(memory.buffer);
    this.#first = cellOf(memory, row, 0);
    this.#end = cellOf(memory, row + 1, 0);
    this.#own = cellOf(memory, row, slot);
  }

  /** @param threads that share them */
  configure(most: number, threads: number): void {
    this.#most = most;
    this.#part = Math.max(1, Math.floor(most / threads));
  }

  get most(): number {
    return this.#most;
  }

  /** @returns whether there was one: it is this thread's now */
  take(priority: Priority): boolean {
    const words = this.#words;
    const own = this.#own;
    // Added before all are read: of two threads that want the last one, never both get it.
    const before = Atomics.add(words, own, 1);
    let left = this.#most - before - 1;
    const hasPart = before >= this.#part;
    for (let cell = this.#first; cell < this.#end; cell += CELL_WORDS) {
      if (cell === own) continue;
      const count = Atomics.load(words, cell);
      left -= count + this.#keptFor(cell, count, hasPart ? priority : priority - 1);
    }
    if (left >= 0) return true;
    Atomics.sub(words, own, 1);
    return false;
  }

  /** How many that thread may still have before those that matter less than `least`. */
  #keptFor(cell: number, count: number, least: number): number {
    const words = this.#words;
    let waiting = 0;
    for (let each = 0; each <= least; each++) waiting += words[cell + 1 + each] as number;
    return waiting === 0 ? 0 : Math.max(0, Math.min(waiting, this.#part - count));
  }

  giveBack(): void {
    Atomics.sub(this.#words, this.#own, 1);
  }

  /** So many requests of this thread wait. */
  setWaiting(priority: Priority, count: number): void {
    Atomics.store(this.#words, this.#own + 1 + priority, count);
  }

  /** Nobody of this thread waits. */
  clear(): void {
    for (const each of PRIORITIES.keys()) this.setWaiting(each as Priority, 0);
  }
}
