import { ConnectionTable, createConnectionMemory, ROW_STATE } from '../../shared/threads/connection-table.ts';
import type { AddressHolders, Holder } from './address-holders.ts';

/** Rows that share a cache line go to one thread: threads write theirs with every exchange. */
const BLOCK = 16;
const NOBODY = -1;

/** Which rows of the table are whose, by thread and by address. */
export class ConnectionBook {
  readonly table: ConnectionTable;
  readonly #holders: AddressHolders;
  readonly #slotOf: Int16Array;
  readonly #holderOf: (Holder | undefined)[] = [];
  /** Free rows of each slot. */
  readonly #free: number[][];
  readonly #openOf: number[];
  readonly #given: number[] = [];
  /** From here on no row was ever used. */
  #fresh = 0;
  #open = 0;

  constructor(capacity: number, slots: number, holders: AddressHolders) {
    const rows = Math.ceil(capacity / BLOCK) * BLOCK;
    this.table = new ConnectionTable(createConnectionMemory(rows, slots));
    this.#holders = holders;
    this.#slotOf = new Int16Array(rows).fill(NOBODY);
    this.#free = Array.from({ length: slots }, () => []);
    this.#openOf = Array.from({ length: slots }, () => 0);
  }

  /** Connections of the process. */
  get open(): number {
    return this.#open;
  }

  /** Connections of the slot's thread, those on their way to it included. */
  openOf(slot: number): number {
    return this.#openOf[slot] ?? 0;
  }

  /** One past the last row that was ever used. */
  get end(): number {
    return this.#fresh;
  }

  holderOf(index: number): Holder | undefined {
    return this.#holderOf[index];
  }

  slotOf(index: number): number {
    return this.#slotOf[index] ?? NOBODY;
  }

  /** A row for a connection that goes to the slot's thread. @returns `undefined`: all are in use */
  allocate(slot: number, holder: Holder): number | undefined {
    const index = this.#free[slot]?.pop() ?? this.#refill(slot);
    if (index === undefined) return undefined;
    this.#slotOf[index] = slot;
    this.#holderOf[index] = holder;
    holder.open++;
    this.#open++;
    this.#openOf[slot] = this.openOf(slot) + 1;
    return index;
  }

  /** The row's connection is no more. */
  free(index: number): void {
    const slot = this.slotOf(index);
    const holder = this.#holderOf[index];
    if (slot === NOBODY || holder === undefined) return;
    this.table.free(index);
    this.#slotOf[index] = NOBODY;
    this.#holderOf[index] = undefined;
    this.#open--;
    this.#openOf[slot] = this.openOf(slot) - 1;
    this.#free[slot]?.push(index);
    this.#holders.closed(holder);
  }

  /** A connection without a row, which is to have one soon, counts as well: for its address and for the process. */
  hold(holder: Holder): void {
    this.#holders.keep(holder);
    this.#open++;
  }

  /** It has a row now, or gets none. */
  letGo(holder: Holder): void {
    this.#open--;
    this.#holders.closed(holder);
  }

  /** What the slot's thread has closed since the last call: to be freed once nothing else refers to it. */
  closedBy(slot: number): readonly number[] {
    this.#given.length = 0;
    this.table.drainGiven(slot, this.#given);
    return this.#given;
  }

  /** The slot's thread has exited: its connections are closed. */
  freeSlot(slot: number): void {
    for (let index = 0; this.openOf(slot) > 0 && index < this.#fresh; index++) {
      if (this.slotOf(index) === slot) this.free(index);
    }
    this.table.clearSlot(slot);
  }

  /** When it fell idle; 0 for one that is not, or is on its way. */
  idleSince(index: number): number {
    return this.table.state(index) === ROW_STATE.taken ? this.table.idleSince(index) : 0;
  }

  #refill(slot: number): number | undefined {
    const own = this.#free[slot];
    if (own === undefined) return undefined;
    const first = this.#fresh;
    if (first + BLOCK <= this.table.memory.capacity) {
      this.#fresh += BLOCK;
      for (let index = first + BLOCK - 1; index > first; index--) own.push(index);
      return first;
    }
    // All rows have been used: from here on those of others, who have more than they use.
    const richest = this.#free.reduce((a, b) => (b.length > a.length ? b : a), own);
    own.push(...richest.splice(-BLOCK));
    return own.pop();
  }
}
