/**
 * Where in a file the newest record of each key lies: 16 bytes a key, so that a million of them take some 25 MB and no
 * strings. Keys are known by the first 64 bits of their hash; whoever reads the record compares all of it.
 */
export class KeyIndex {
  #size = 0;
  #mask: number;
  /** Four words a row: the hash's first two, offset + 1 (0 = the row is free), rank. */
  #rows: Uint32Array;

  constructor(rows = 64) {
    this.#mask = rows - 1;
    this.#rows = new Uint32Array(rows * WORDS);
  }

  /** Keys that have a row. */
  get size(): number {
    return this.#size;
  }

  /** @returns -1 = there is none */
  offsetOf(hash: string): number {
    return (this.#rows[this.#rowOf(first(hash), second(hash)) + OFFSET] as number) - 1;
  }

  /** @returns 0 = there is none */
  rankOf(hash: string): number {
    const row = this.#rowOf(first(hash), second(hash));
    return this.#rows[row + OFFSET] === 0 ? 0 : (this.#rows[row + RANK] as number);
  }

  /** @param where.offset of its record, below 2^32 - 1 */
  set(hash: string, { offset, rank }: { readonly offset: number; readonly rank: number }): void {
    if (this.#size * 4 >= (this.#mask + 1) * 3) this.#grow();
    const row = this.#rowOf(first(hash), second(hash));
    if (this.#rows[row + OFFSET] === 0) this.#size++;
    this.#rows[row] = first(hash);
    this.#rows[row + 1] = second(hash);
    this.#rows[row + OFFSET] = offset + 1;
    this.#rows[row + RANK] = rank;
  }

  /** Of every key's record, in the order of the file. */
  offsets(): Uint32Array {
    const offsets = new Uint32Array(this.#size);
    let at = 0;
    for (let row = 0; row < this.#rows.length; row += WORDS) {
      const stored = this.#rows[row + OFFSET] as number;
      if (stored > 0) offsets[at++] = stored - 1;
    }
    return offsets.sort();
  }

  /** Where its row starts, or where it would be put. */
  #rowOf(high: number, low: number): number {
    const rows = this.#rows;
    let at = low & this.#mask;
    for (;;) {
      const row = at * WORDS;
      if (rows[row + OFFSET] === 0 || (rows[row] === high && rows[row + 1] === low)) return row;
      at = (at + 1) & this.#mask;
    }
  }

  #grow(): void {
    const before = this.#rows;
    this.#mask = this.#mask * 2 + 1;
    this.#rows = new Uint32Array(before.length * 2);
    for (let row = 0; row < before.length; row += WORDS) {
      if (before[row + OFFSET] === 0) continue;
      this.#rows.set(before.subarray(row, row + WORDS), this.#rowOf(before[row] as number, before[row + 1] as number));
    }
  }
}

const WORDS = 4;
const OFFSET = 2;
const RANK = 3;

const first = (hash: string): number => Number.parseInt(hash.slice(0, 8), 16);
const second = (hash: string): number => Number.parseInt(hash.slice(8, 16), 16);
