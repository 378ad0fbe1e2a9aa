const STEP_LOW = 0x9e3779b1 | 0;
const STEP_HIGH = 0x85ebca77 | 0;

/** Spreads every bit of a word over the whole word; one to one. */
const spread = (word: number): number => {
  let mixed = Math.imul(word ^ (word >>> 16), 0x7feb352d);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x846ca68b | 0);
  return mixed ^ (mixed >>> 16);
};

/**
 * 64 bits that stand for a bucket's key (client, then rule suffix), as two 32-bit words and without building the key.
 * Seeded, so that nobody outside can look for two names with the same bits. The object is reused for every key.
 */
export class KeyHash {
  readonly #seedLow: number;
  readonly #seedHigh: number;
  #clientLow = 0;
  #clientHigh = 0;
  /** Depends on the client alone: all buckets of a client share it. */
  client = 0;
  /** Never 0, which marks a place without a key. */
  low = 0;
  high = 0;

  constructor(seedLow: number, seedHigh: number) {
    this.#seedLow = seedLow;
    this.#seedHigh = seedHigh;
  }

  setClient(client: string): void {
    let low = this.#seedLow;
    let high = this.#seedHigh;
    for (let i = 0; i < client.length; i++) {
      const code = client.charCodeAt(i);
      low = Math.imul(low ^ code, STEP_LOW);
      low ^= low >>> 15;
      high = (Math.imul(((high << 13) | (high >>> 19)) ^ code, STEP_HIGH) + low) | 0;
    }
    this.#clientLow = low;
    this.#clientHigh = high;
    this.client = spread(low ^ ((high << 7) | (high >>> 25)));
  }

  /** `low` and `high` of the client's bucket with this suffix; after `setClient`. */
  setSuffix(suffix: string): void {
    let low = this.#clientLow;
    let high = this.#clientHigh;
    for (let i = 0; i < suffix.length; i++) {
      const code = suffix.charCodeAt(i);
      low = Math.imul(low ^ code, STEP_LOW);
      low ^= low >>> 15;
      high = (Math.imul(((high << 13) | (high >>> 19)) ^ code, STEP_HIGH) + low) | 0;
    }
    low = spread(low);
    this.low = low === 0 ? 1 : low;
    this.high = spread(high ^ STEP_HIGH);
  }
}
