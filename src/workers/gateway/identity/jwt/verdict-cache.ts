/** What is kept of a credential. */
export interface Kept {
  /** Monotonic clock: no good after this. */
  readonly untilMs: number;
  /** It was asked for since it was last its turn to go. */
  used: boolean;
}

export interface VerdictCacheBounds {
  readonly entries: number;
  /** Of all credentials together. */
  readonly characters: number;
}

/**
 * What is known of credentials, within bounds of number and size. Who must go is the oldest that was not asked for since
 * its turn came last (second chance), so that a hit costs one store and many new ones do not drive out those in use.
 */
export class VerdictCache<Entry extends Kept> {
  readonly #entries = new Map<string, Entry>();
  #bounds: VerdictCacheBounds;
  #characters = 0;

  constructor(bounds: VerdictCacheBounds) {
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#entries.size;
  }

  configure(bounds: VerdictCacheBounds): void {
    this.#bounds = bounds;
    this.#shrink();
  }

  /** @returns what was put, also what is no good any more: the caller has the clock */
  get(credential: string): Entry | undefined {
    const entry = this.#entries.get(credential);
    if (entry !== undefined) entry.used = true;
    return entry;
  }

  put(credential: string, entry: Entry): void {
    this.delete(credential);
    // A copy of its own: the text may be a piece of the whole request's, which it would keep.
    const own = Buffer.from(credential).toString();
    this.#entries.set(own, entry);
    this.#characters += own.length;
    this.#shrink();
  }

  delete(credential: string): void {
    if (this.#entries.delete(credential)) this.#characters -= credential.length;
  }

  clear(): void {
    this.#entries.clear();
    this.#characters = 0;
  }

  #shrink(): void {
    const { entries, characters } = this.#bounds;
    for (const [credential, entry] of this.#entries) {
      if (this.#entries.size <= entries && this.#characters <= characters) return;
      this.delete(credential);
      if (!entry.used) continue;
      entry.used = false;
      this.#entries.set(credential, entry);
      this.#characters += credential.length;
    }
  }
}
