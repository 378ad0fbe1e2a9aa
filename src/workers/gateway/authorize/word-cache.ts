import type { AuthorizerWord, Denied } from './answer.ts';

/** All words of a thread together: an answer may have a page of HTML. */
const MOST_CHARACTERS = 8 * 1024 * 1024;
/** What an entry costs beside its text. */
const ENTRY_CHARACTERS = 256;

/** An answer that holds for a while. */
type Kept = Exclude<AuthorizerWord, { readonly outcome: 'unavailable' }>;

interface Entry {
  readonly word: Kept;
  /** By the thread's coarse clock. */
  readonly untilMs: number;
  readonly characters: number;
}

/**
 * What authorizers have said, within bounds of number and size; the oldest goes first. A key is a hash of all that the
 * answer depends on: no credential stays in memory for it.
 */
export class WordCache {
  readonly #entries = new Map<string, Entry>();
  #mostEntries: number;
  #characters = 0;

  constructor(mostEntries: number) {
    this.#mostEntries = mostEntries;
  }

  get size(): number {
    return this.#entries.size;
  }

  configure(mostEntries: number): void {
    this.#mostEntries = mostEntries;
    this.#shrink();
  }

  get(key: string, nowMs: number): Kept | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (nowMs < entry.untilMs) return entry.word;
    this.#remove(key, entry);
    return undefined;
  }

  put(key: string, word: Kept, { nowMs, keptMs }: { readonly nowMs: number; readonly keptMs: number }): void {
    const before = this.#entries.get(key);
    if (before !== undefined) this.#remove(key, before);
    const own = ownText(word);
    const body = own.outcome === 'denied' ? own.body.length : 0;
    const characters = ENTRY_CHARACTERS + own.lines.length + body;
    this.#entries.set(key, { word: own, untilMs: nowMs + keptMs, characters });
    this.#characters += characters;
    this.#shrink();
  }

  /** Every tick: the oldest that are over. */
  tick(nowMs: number): void {
    for (const [key, entry] of this.#entries) {
      if (nowMs < entry.untilMs) return;
      this.#remove(key, entry);
    }
  }

  clear(): void {
    this.#entries.clear();
    this.#characters = 0;
  }

  #remove(key: string, entry: Entry): void {
    this.#entries.delete(key);
    this.#characters -= entry.characters;
  }

  #shrink(): void {
    for (const [key, entry] of this.#entries) {
      if (this.#entries.size <= this.#mostEntries && this.#characters <= MOST_CHARACTERS) return;
      this.#remove(key, entry);
    }
  }
}

/** Pieces of an answer's header would keep all of it. */
const copyOf = (text: string): string => (text === '' ? '' : Buffer.from(text, 'latin1').toString('latin1'));

const ownText = (word: Kept): Kept =>
  word.outcome === 'granted'
    ? { outcome: 'granted', lines: copyOf(word.lines) }
    : ({ ...word, lines: copyOf(word.lines), body: copyOf(word.body) } satisfies Denied);
