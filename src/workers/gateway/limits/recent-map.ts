/**
 * A map that forgets: two generations, the older one dropped when the newer is `maxAgeMs` old or full. Bounded in size
 * (2 × `maxEntries`) and in age without a timer, a sweep or a word per entry.
 */
export class RecentMap<V> {
  readonly #maxEntries: number;
  readonly #maxAgeMs: number;
  #young = new Map<string, V>();
  #old = new Map<string, V>();
  #bornMs = 0;

  constructor(options: { readonly maxEntries: number; readonly maxAgeMs: number }) {
    this.#maxEntries = options.maxEntries;
    this.#maxAgeMs = options.maxAgeMs;
  }

  /** `true` when there is nothing to find: the hot path then needs no clock. */
  get isEmpty(): boolean {
    return this.#young.size === 0 && this.#old.size === 0;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** The caller judges how old the value is: up to twice `maxAgeMs` may have passed. */
  get(key: string): V | undefined {
    return this.#young.get(key) ?? this.#old.get(key);
  }

  set(key: string, value: V, nowMs: number): void {
    if (this.#young.size >= this.#maxEntries || nowMs - this.#bornMs >= this.#maxAgeMs) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#bornMs = nowMs;
    }
    this.#young.set(key, value);
  }

  delete(key: string): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }
}
