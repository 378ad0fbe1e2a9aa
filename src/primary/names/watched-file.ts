import { readFileSync, statSync } from 'node:fs';

/** How often it is looked whether a file has changed. */
const LOOK_AGAIN_MS = 1_000;

/** A small file that others write: what it says, read again once it has changed. */
export class WatchedFile<T> {
  readonly #path: string;
  readonly #parse: (text: string) => T;
  #seen = '';
  #lookedMs = Number.NEGATIVE_INFINITY;
  #value: T;

  constructor(path: string, parse: (text: string) => T) {
    this.#path = path;
    this.#parse = parse;
    this.#value = parse('');
  }

  /** Never throws: a file that cannot be read now says what it said last, one that never could says nothing. */
  read(nowMs: number): T {
    if (nowMs - this.#lookedMs < LOOK_AGAIN_MS) return this.#value;
    this.#lookedMs = nowMs;
    try {
      const { mtimeMs, size, ino } = statSync(this.#path);
      const seen = `${mtimeMs} ${size} ${ino}`;
      if (seen !== this.#seen) {
        this.#value = this.#parse(readFileSync(this.#path, 'utf8'));
        this.#seen = seen;
      }
    } catch {
      // Missing for a moment while it is replaced, or no descriptor is left.
    }
    return this.#value;
  }
}
