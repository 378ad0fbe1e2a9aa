import { random } from '../../shared/clock.ts';
import type { Config } from '../../shared/config/types.ts';
import { clearClientCounts, createClientCounts } from '../../shared/overload/client-counts.ts';
import type { ClientCountsMemory } from '../../shared/overload/client-counts.ts';
import { cellOf, CELL_WORDS, createConcurrencyMemory } from '../../shared/overload/concurrency-memory.ts';
import type { ConcurrencyMemory, ConcurrencyRows, ConcurrencyStart } from '../../shared/overload/concurrency-memory.ts';

/** Upstreams that may have a limit; pages that nobody writes cost no memory. */
const MOST_ROWS = 4_096;

/** An upstream with a limit, as this node has it. */
export interface ConcurrencyView {
  readonly upstream: string;
  readonly max: number;
  readonly inFlight: number;
  /** Requests that wait for a place. */
  readonly waiting: number;
}

/** The front's part of limits of requests under way, at an upstream and of a client: who has which row, and that no thread leaves anything in it. */
export class ConcurrencyControl {
  readonly #memory: ConcurrencyMemory;
  readonly #words: Int32Array;
  readonly #clients: ClientCountsMemory;
  readonly #mostRows: number;
  #rows: ConcurrencyRows = new Map();
  /** One beyond the last row that was ever given out. */
  #end = 1;
  #limits: readonly { readonly upstream: string; readonly max: number }[] = [];

  /** @param slots of request threads, used or not */
  constructor(slots: number, config: Config, mostRows = MOST_ROWS) {
    this.#mostRows = mostRows;
    this.#memory = createConcurrencyMemory(mostRows, slots);
    this.#words = new Int32Array(this.#memory.buffer);
    this.#clients = createClientCounts(slots, Math.floor(random() * 0x1_0000_0000) | 1);
    this.configure(config);
  }

  /** Those that stay keep their row. Another's is not emptied: what is under way there leaves it as it came. */
  configure({ upstreams }: Config): void {
    this.#limits = upstreams.flatMap(({ name, concurrency: max }) => (max > 0 ? [{ upstream: name, max }] : []));
    const kept = new Map(
      this.#limits.flatMap(({ upstream }) => {
        const row = this.#rows.get(upstream);
        return row === undefined ? [] : [[upstream, row] as const];
      }),
    );
    const taken = new Set(kept.values());
    let next = 1;
    for (const { upstream } of this.#limits) {
      if (kept.has(upstream)) continue;
      while (taken.has(next)) next++;
      if (next >= this.#mostRows) break; // the rest has no limit
      kept.set(upstream, next);
      taken.add(next);
      this.#end = Math.max(this.#end, next + 1);
    }
    this.#rows = kept;
  }

  forThread(): ConcurrencyStart {
    return { memory: this.#memory, rows: this.#rows, clients: this.#clients };
  }

  rows(): ConcurrencyRows {
    return this.#rows;
  }

  /** The thread has exited: nothing of it is under way, nor waits. */
  threadGone(slot: number): void {
    clearClientCounts(this.#clients, slot);
    for (let row = 1; row < this.#end; row++) {
      const cell = cellOf(this.#memory, row, slot);
      for (let index = cell; index < cell + CELL_WORDS; index++) Atomics.store(this.#words, index, 0);
    }
  }

  views(): readonly ConcurrencyView[] {
    return this.#limits.flatMap(({ upstream, max }) => {
      const row = this.#rows.get(upstream);
      return row === undefined ? [] : [{ upstream, max, ...this.#sums(row) }];
    });
  }

  #sums(row: number): Pick<ConcurrencyView, 'inFlight' | 'waiting'> {
    let inFlight = 0;
    let waiting = 0;
    for (let slot = 0; slot < this.#memory.slots; slot++) {
      const cell = cellOf(this.#memory, row, slot);
      inFlight += Atomics.load(this.#words, cell);
      for (let index = cell + 1; index < cell + CELL_WORDS; index++) waiting += Atomics.load(this.#words, index);
    }
    return { inFlight, waiting };
  }
}
