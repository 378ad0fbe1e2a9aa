/**
 * Shared memory of the native front: one row for each client connection of the process. The front gives rows out and
 * keeps the rest of what it knows of a connection to itself; the thread that has the connection says whether it is idle,
 * and gives the row back. All of it is Int32, and nothing waits.
 */

export interface ConnectionMemory {
  readonly buffer: SharedArrayBuffer;
  /** Rows. */
  readonly capacity: number;
  /** Threads. */
  readonly slots: number;
}

/** Who has the connection of a row. */
export const ROW_STATE = {
  free: 0,
  /** On its way to a thread; the front still has a copy of the socket. */
  queued: 1,
  /** The thread has it. */
  taken: 2,
  /** The front took it back before the thread came to it; the thread closes what it gets. */
  revoked: 3,
  /** The thread has seen that it was taken back. */
  returned: 4,
  /** The message reached the thread and the socket did not: no descriptor was free. */
  missed: 5,
} as const;

/** In place of an index: the end of a list. */
const NONE = -1;
/** A row whose connection has an exchange under way. */
const BUSY = 0;

const LINE = 16; // Int32s of a cache line: each slot has its own
const SLOT = { sent: 0, given: 1 } as const;

const slotAt = (slot: number, field: keyof typeof SLOT): number => slot * LINE + SLOT[field];

interface Columns {
  readonly slots: Int32Array;
  readonly state: Int32Array;
  /** When the connection fell idle, BUSY while it is not. */
  readonly idleSince: Int32Array;
  /** The row given back before this one. */
  readonly next: Int32Array;
}

/** Pages that nobody writes cost no memory. */
export function createConnectionMemory(capacity: number, slots: number): ConnectionMemory {
  const words = slots * LINE + 3 * capacity;
  const memory = { buffer: new SharedArrayBuffer(words * Int32Array.BYTES_PER_ELEMENT), capacity, slots };
  const { slots: rows } = columnsOf(memory);
  for (let slot = 0; slot < slots; slot++) rows[slotAt(slot, 'given')] = NONE;
  return memory;
}

function columnsOf({ buffer, capacity, slots }: ConnectionMemory): Columns {
  const column = (start: number, length: number): Int32Array =>
    new Int32Array(buffer, start * Int32Array.BYTES_PER_ELEMENT, length);
  const start = slots * LINE;
  return {
    slots: column(0, start),
    state: column(start, capacity),
    idleSince: column(start + capacity, capacity),
    next: column(start + 2 * capacity, capacity),
  };
}

/** The rows of one thread's connections, as that thread sees them. */
export interface ConnectionRows {
  /** An exchange begins. */
  markBusy(index: number): void;
  /** The last exchange is over. @param nowMs of monotonicMs() */
  markIdle(index: number, nowMs: number): void;
  /** Whether it has been idle since then, as the front saw it (`close-idle`). */
  isIdleSince(index: number, since: number): boolean;
  /** The connection is closed; from here on the row may be another's. Once for each connection. */
  release(index: number): void;
}

export class ThreadConnections implements ConnectionRows {
  readonly #columns: Columns;
  readonly #slot: number;
  /** Each thread's monotonicMs() starts anew; the stamps of all are of one clock. */
  readonly #originMs = performance.timeOrigin;

  constructor(memory: ConnectionMemory, slot: number) {
    this.#columns = columnsOf(memory);
    this.#slot = slot;
  }

  markBusy(index: number): void {
    this.#columns.idleSince[index] = BUSY;
  }

  markIdle(index: number, nowMs: number): void {
    this.#columns.idleSince[index] = (this.#originMs + nowMs) | 0 || 1;
  }

  isIdleSince(index: number, since: number): boolean {
    return this.#columns.idleSince[index] === since;
  }

  release(index: number): void {
    const { slots, next } = this.#columns;
    const head = slotAt(this.#slot, 'given');
    // The front only ever takes the whole list, so no row can come back to its head in between.
    for (;;) {
      const before = Atomics.load(slots, head);
      next[index] = before;
      if (Atomics.compareExchange(slots, head, before, index) === before) return;
    }
  }

  /**
   * A socket has come; it is idle from now on. `false`: the front has taken it back, and the handle must be closed
   * without a word to the client.
   */
  take(index: number, nowMs: number): boolean {
    const { state } = this.#columns;
    this.markIdle(index, nowMs);
    if (Atomics.compareExchange(state, index, ROW_STATE.queued, ROW_STATE.taken) === ROW_STATE.queued) return true;
    Atomics.store(state, index, ROW_STATE.returned);
    return false;
  }

  /** The message came without its socket. */
  miss(index: number): void {
    const { state } = this.#columns;
    const before = Atomics.compareExchange(state, index, ROW_STATE.queued, ROW_STATE.missed);
    if (before !== ROW_STATE.queued) Atomics.store(state, index, ROW_STATE.returned);
  }

  /** How many sockets the front has sent to this slot's thread. */
  sent(): number {
    return Atomics.load(this.#columns.slots, slotAt(this.#slot, 'sent'));
  }
}

/** No rows: where the threads accept by themselves. */
export const NO_ROWS: ConnectionRows = {
  markBusy: () => {},
  markIdle: () => {},
  isIdleSince: () => false,
  release: () => {},
};

/** All rows, as the front sees them. */
export class ConnectionTable {
  readonly memory: ConnectionMemory;
  readonly #columns: Columns;

  constructor(memory: ConnectionMemory) {
    this.memory = memory;
    this.#columns = columnsOf(memory);
  }

  /** A new thread comes into the slot; its rows have all been given back. */
  clearSlot(slot: number): void {
    const { slots } = this.#columns;
    Atomics.store(slots, slotAt(slot, 'given'), NONE);
    Atomics.store(slots, slotAt(slot, 'sent'), 0);
  }

  /** @param change 1 when a socket is sent; -1 when it turns out that it was not */
  countSent(slot: number, change: 1 | -1): void {
    Atomics.add(this.#columns.slots, slotAt(slot, 'sent'), change);
  }

  /** A socket goes to a thread under this row. */
  queue(index: number): void {
    const { state, idleSince } = this.#columns;
    idleSince[index] = BUSY;
    Atomics.store(state, index, ROW_STATE.queued);
  }

  /** @returns whether it was taken back before the thread had it */
  revoke(index: number): boolean {
    const { state } = this.#columns;
    return Atomics.compareExchange(state, index, ROW_STATE.queued, ROW_STATE.revoked) === ROW_STATE.queued;
  }

  /** One of ROW_STATE. */
  state(index: number): number {
    return Atomics.load(this.#columns.state, index);
  }

  /** When the connection fell idle, on the clock of {@link ThreadConnections.markIdle}; 0 while it is not. */
  idleSince(index: number): number {
    return this.#columns.idleSince[index] ?? BUSY;
  }

  /** Nobody has it any more. */
  free(index: number): void {
    const { state, idleSince } = this.#columns;
    idleSince[index] = BUSY;
    Atomics.store(state, index, ROW_STATE.free);
  }

  /** Appends the rows that the slot's thread has given back since the last call. */
  drainGiven(slot: number, into: number[]): void {
    const { slots, next } = this.#columns;
    const head = slotAt(slot, 'given');
    if (Atomics.load(slots, head) === NONE) return;
    for (let index = Atomics.exchange(slots, head, NONE); index !== NONE;) {
      into.push(index);
      index = next[index] ?? NONE;
    }
  }
}
