import { beatClockMs } from '../../shared/threads/heartbeats.ts';
import type { Holder } from './address-holders.ts';
import type { ConnectionBook } from './connection-book.ts';

/** Found by one look at all rows, for the next clients that need room too. */
const BATCH = 64;
/** Told to close and not yet gone. More than these, and the threads do not keep up. */
const MOST_LEAVING = 256;

interface Victim {
  readonly index: number;
  /** When it fell idle; the row is another connection's, or busy, when this has changed. */
  readonly since: number;
}

/**
 * Makes room: of the address that has most connections, the one that is idle for the longest time. Proxies that many
 * clients are behind come last.
 */
export class Evictor {
  readonly #book: ConnectionBook;
  readonly #close: (slot: number, victim: Victim) => void;
  #leaving: Victim[] = [];
  #next: Victim[] = [];

  /** @param close asks the thread in the slot to close a connection if it is still idle */
  constructor(book: ConnectionBook, close: (slot: number, victim: Victim) => void) {
    this.#book = book;
    this.#close = close;
  }

  /** Connections that are about to go. */
  leaving(): number {
    if (this.#leaving.length > 0) this.#leaving = this.#leaving.filter((each) => this.#isIdle(each));
    return this.#leaving.length;
  }

  /**
   * @param idleMs only of those that have been idle for so long
   * @returns whether a connection was told to go
   */
  evict(idleMs = 0): boolean {
    if (this.leaving() >= MOST_LEAVING) return false;
    const victim = this.#take(idleMs) ?? this.#look(idleMs);
    if (victim === undefined) return false;
    this.#leaving.push(victim);
    this.#close(this.#book.slotOf(victim.index), victim);
    return true;
  }

  #isIdle({ index, since }: Victim): boolean {
    return this.#book.idleSince(index) === since;
  }

  #take(idleMs: number): Victim | undefined {
    for (let victim = this.#next.pop(); victim !== undefined; victim = this.#next.pop()) {
      if (this.#isIdle(victim) && idleFor(victim.since) >= idleMs) return victim;
    }
    return undefined;
  }

  #look(idleMs: number): Victim | undefined {
    const leaving = new Set(this.#leaving.map(({ index }) => index));
    const idleOf = new Map<Holder, Victim[]>();
    for (let index = 0; index < this.#book.end; index++) {
      const since = this.#book.idleSince(index);
      const holder = this.#book.holderOf(index);
      if (since === 0 || holder === undefined || leaving.has(index) || idleFor(since) < idleMs) continue;
      const victims = idleOf.get(holder);
      if (victims === undefined) idleOf.set(holder, [{ index, since }]);
      else victims.push({ index, since });
    }
    let most: Holder | undefined;
    for (const holder of idleOf.keys()) if (most === undefined || goesBefore(holder, most)) most = holder;
    if (most === undefined) return undefined;
    const longestLast = (idleOf.get(most) ?? []).sort((a, b) => (b.since - a.since) | 0); // the clock may wrap
    // A look ahead only within what this address has more than its share: one or two others may have as many.
    this.#next = longestLast.slice(-Math.min(BATCH, Math.max(1, most.open >> 2)));
    return this.#take(idleMs);
  }
}

/** Milliseconds, on the clock of the rows (ConnectionRows.markIdle), which is that of the heartbeats. */
const idleFor = (since: number): number => (beatClockMs() - since) | 0;

function goesBefore(a: Holder, b: Holder): boolean {
  return a.trusted === b.trusted ? a.open > b.open : b.trusted;
}
