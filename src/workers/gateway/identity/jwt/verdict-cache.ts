/**
 * A credential is found by so many of its last characters, which are of its signature, and then compared whole: hashing all
 * of a token took four times as long as everything else that is done for one that is known. Two that end alike take turns.
 */
const KEY_LENGTH = 32;

/** What is kept of a credential. */
export interface Kept {
  /** Monotonic clock: no good after this. */
  readonly untilMs: number;
  /** It was asked for since it was last its turn to go. */
  used: boolean;
}

interface Place<Entry> {
  readonly credential: string;
  readonly entry: Entry;
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
  readonly #places = new Map<string, Place<Entry>>();
  #bounds: VerdictCacheBounds;
  #characters = 0;

  constructor(bounds: VerdictCacheBounds) {
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#places.size;
  }

  configure(bounds: VerdictCacheBounds): void {
    this.#bounds = bounds;
    this.#shrink();
  }

  /** @returns what was put, also what is no good any more: the caller has the clock */
  get(credential: string): Entry | undefined {
    const place = this.#places.get(credential.slice(-KEY_LENGTH));
    if (place === undefined || place.credential !== credential) return undefined;
    place.entry.used = true;
    return place.entry;
  }

  put(credential: string, entry: Entry): void {
    const key = copyOf(credential.slice(-KEY_LENGTH));
    this.#remove(key);
    this.#add(key, { credential: copyOf(credential), entry });
    this.#shrink();
  }

  delete(credential: string): void {
    this.#remove(credential.slice(-KEY_LENGTH));
  }

  clear(): void {
    this.#places.clear();
    this.#characters = 0;
  }

  #add(key: string, place: Place<Entry>): void {
    this.#places.set(key, place);
    this.#characters += place.credential.length;
  }

  #remove(key: string): void {
    const place = this.#places.get(key);
    if (place === undefined) return;
    this.#places.delete(key);
    this.#characters -= place.credential.length;
  }

  #shrink(): void {
    const { entries, characters } = this.#bounds;
    for (const [key, place] of this.#places) {
      if (this.#places.size <= entries && this.#characters <= characters) return;
      this.#remove(key);
      if (!place.entry.used) continue;
      place.entry.used = false;
      this.#add(key, place);
    }
  }
}

/** A text of its own: it may be a piece of the whole request's, which it would keep. */
const copyOf = (text: string): string => Buffer.from(text).toString();
