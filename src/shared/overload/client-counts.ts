/**
 * How many exchanges of each client that has a fixed number are under way, in memory that all threads of a node share. Clients
 * are too many, and come and go too fast, for rows of their own: each has a cell in each of two tables, by hashes of its name,
 * and has as many under way as the smaller of the two says (a count-min sketch; Cormode and Muthukrishnan, 2005). That is
 * never too few, and too many only where others have both its cells: with 500 such clients at once for one in 4,000. A slot
 * has cells of its own, which its thread alone writes, and the front empties them when that has gone.
 */
export interface ClientCountsMemory {
  readonly buffer: SharedArrayBuffer;
  readonly slots: number;
  /** Nobody outside can know who shares a cell with whom. */
  readonly seed: number;
}

const CELLS = 32_768;
const TABLES = 2;
const SLOT_CELLS = CELLS * TABLES;

/** Pages that nobody writes cost no memory. */
export const createClientCounts = (slots: number, seed: number): ClientCountsMemory => ({
  buffer: new SharedArrayBuffer(slots * SLOT_CELLS * Int32Array.BYTES_PER_ELEMENT),
  slots,
  seed,
});

/** The thread in the slot has gone: it has nothing under way. */
export function clearClientCounts({ buffer }: ClientCountsMemory, slot: number): void {
  new Int32Array(buffer).fill(0, slot * SLOT_CELLS, (slot + 1) * SLOT_CELLS);
}

/** One thread's view of it. */
export class ClientCounts {
  readonly #words: Int32Array;
  readonly #own: number;
  readonly #seed: number;
  /** Cells of the client that was asked for last, from a slot's first one. */
  #first = 0;
  #second = 0;

  constructor({ buffer, seed }: ClientCountsMemory, slot: number) {
    this.#words = new Int32Array(buffer);
    this.#own = slot * SLOT_CELLS;
    this.#seed = seed;
  }

  /**
   * Counts one more of the client. Of two threads that want the last place at once, never both get it, and perhaps neither.
   * @returns whether there are no more of it then than `most`, on all threads; where there are, it is not counted
   */
  enter(client: string, most: number): boolean {
    this.#find(client);
    const words = this.#words;
    Atomics.add(words, this.#own + this.#first, 1);
    Atomics.add(words, this.#own + this.#second, 1);
    if (this.#sum(this.#first) <= most || this.#sum(this.#second) <= most) return true;
    this.#takeBack();
    return false;
  }

  /** One of the client has ended. */
  leave(client: string): void {
    this.#find(client);
    this.#takeBack();
  }

  #takeBack(): void {
    Atomics.sub(this.#words, this.#own + this.#first, 1);
    Atomics.sub(this.#words, this.#own + this.#second, 1);
  }

  #sum(cell: number): number {
    const words = this.#words;
    let sum = 0;
    for (let at = cell; at < words.length; at += SLOT_CELLS) sum += Atomics.load(words, at);
    return sum;
  }

  /** FNV-1a from the seed for one table, the same spread (MurmurHash3's finaliser) for the other. */
  #find(client: string): void {
    let hash = this.#seed;
    for (let i = 0; i < client.length; i++) hash = Math.imul(hash ^ client.charCodeAt(i), 0x01_00_01_93);
    hash = spread(hash);
    this.#first = hash & (CELLS - 1);
    this.#second = CELLS + (spread(hash ^ this.#seed) & (CELLS - 1));
  }
}

function spread(bits: number): number {
  let hash = bits ^ (bits >>> 16);
  hash = Math.imul(hash, 0x85_eb_ca_6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2_b2_ae_35);
  return hash ^ (hash >>> 16);
}
