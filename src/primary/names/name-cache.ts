import { monotonicMs } from '../../shared/clock.ts';
import type { LookUp } from './look-up.ts';

/** A look-up that has not come to an end within this has failed; shorter than the usual time-out for connecting. */
const PATIENCE_MS = 4_000;
/** Who has an old answer is not kept waiting for a new one any longer than this (RFC 8767, section 5). */
const STALE_AFTER_MS = 500;
/** Before an old answer is looked for anew, where that has just failed. */
const STALE_FOR_MS = 5_000;
/** How old an answer may be that is still better than none (RFC 8767, section 4: days; names of a cluster change sooner). */
const OLDEST_MS = 24 * 3_600_000;
/** The same failure is not looked for again within this. */
const FAILED_FOR_MS = 1_000;
/** Bounds of how long an answer holds, and how long where its source does not say. */
const HOLDS = { leastMs: 1_000, mostMs: 60_000, unknownMs: 5_000 } as const;
/** Only names that targets have had are asked for, so this many are hardly ever kept. */
const MOST_NAMES = 1_024;

/** What whoever asks gets. */
export type NameAnswer =
  | { readonly kind: 'found'; readonly addresses: readonly string[]; readonly freshMs: number }
  | { readonly kind: 'none' | 'failed'; readonly code: string };

type Waiter = (answer: NameAnswer) => void;

/** A look-up that is under way, with those who wait for it. */
interface Flight {
  readonly waiters: Set<Waiter>;
  patience: NodeJS.Timeout | undefined;
}

interface Entry {
  addresses: readonly string[];
  foundMs: number;
  freshUntilMs: number;
  failure: { readonly kind: 'none' | 'failed'; readonly code: string } | undefined;
  failedUntilMs: number;
  flight: Flight | undefined;
}

export interface NameCacheOptions {
  /** May take for ever; never rejects. */
  readonly find: (name: string) => Promise<LookUp>;
  readonly nowMs?: () => number;
  /** Default 4 s. */
  readonly patienceMs?: number;
}

/**
 * Remembers what names resolve to. Many who ask for one name at a time are one look-up; what was found holds as long as
 * DNS says, within bounds; an old answer is better than none while nobody can be asked.
 */
export class NameCache {
  readonly #find: (name: string) => Promise<LookUp>;
  readonly #nowMs: () => number;
  readonly #patienceMs: number;
  readonly #entries = new Map<string, Entry>();

  constructor({ find, nowMs = monotonicMs, patienceMs = PATIENCE_MS }: NameCacheOptions) {
    this.#find = find;
    this.#nowMs = nowMs;
    this.#patienceMs = patienceMs;
  }

  /** Calls back once: at once where the answer is known, and within the patience of a look-up in any case. */
  ask(name: string, waiter: Waiter): void {
    const entry = this.#entryOf(name);
    const nowMs = this.#nowMs();
    if (entry.freshUntilMs > nowMs) return waiter(known(entry, nowMs));
    if (entry.failure !== undefined && entry.failedUntilMs > nowMs) return waiter(entry.failure);
    const flight = entry.flight ?? this.#depart(name, entry);
    if (!this.#isUsable(entry)) {
      flight.waiters.add(waiter);
      return;
    }
    const late = setTimeout(() => {
      flight.waiters.delete(once);
      this.#keepStale(entry);
      waiter(known(entry, this.#nowMs()));
    }, STALE_AFTER_MS);
    const once: Waiter = (answer) => {
      clearTimeout(late);
      waiter(answer);
    };
    flight.waiters.add(once);
  }

  /** The same, but what is known is looked up anew, however fresh; where that fails the waiter gets what was known. */
  renew(name: string, waiter: Waiter): void {
    const entry = this.#entryOf(name);
    const flight = entry.flight ?? this.#depart(name, entry);
    flight.waiters.add(waiter);
  }

  #entryOf(name: string): Entry {
    let entry = this.#entries.get(name);
    if (entry === undefined) {
      entry = { addresses: [], foundMs: 0, freshUntilMs: 0, failure: undefined, failedUntilMs: 0, flight: undefined };
    } else {
      this.#entries.delete(name); // to the end: the first is the one that was asked for least lately
    }
    this.#entries.set(name, entry);
    for (const [oldest, { flight }] of this.#entries) {
      if (this.#entries.size <= MOST_NAMES) break;
      if (flight === undefined) this.#entries.delete(oldest);
    }
    return entry;
  }

  #depart(name: string, entry: Entry): Flight {
    const flight: Flight = { waiters: new Set(), patience: undefined };
    entry.flight = flight;
    flight.patience = setTimeout(
      () => this.#land(entry, flight, { kind: 'failed', code: 'ETIMEOUT' }),
      this.#patienceMs,
    );
    void this.#find(name).then((result) => {
      if (entry.flight === flight) this.#land(entry, flight, result);
      else if (result.kind === 'found') this.#keep(entry, result); // late, but good for whoever asks next
    });
    return flight;
  }

  #land(entry: Entry, flight: Flight, result: LookUp): void {
    clearTimeout(flight.patience);
    entry.flight = undefined;
    if (result.kind === 'found') this.#keep(entry, result);
    else this.#onFailed(entry, result);
    const answer = entry.failure ?? known(entry, this.#nowMs());
    const { waiters } = flight;
    for (const waiter of waiters) waiter(answer);
    waiters.clear();
  }

  #keep(entry: Entry, { addresses, ttlMs }: Extract<LookUp, { kind: 'found' }>): void {
    const nowMs = this.#nowMs();
    const holdsMs = ttlMs === undefined ? HOLDS.unknownMs : Math.min(Math.max(ttlMs, HOLDS.leastMs), HOLDS.mostMs);
    entry.addresses = addresses;
    entry.foundMs = nowMs;
    entry.freshUntilMs = nowMs + holdsMs;
    entry.failure = undefined;
  }

  #onFailed(entry: Entry, failure: Extract<LookUp, { kind: 'none' | 'failed' }>): void {
    if (failure.kind === 'failed' && this.#isUsable(entry)) return this.#keepStale(entry);
    entry.addresses = [];
    entry.failure = { kind: failure.kind, code: failure.code };
    entry.failedUntilMs = this.#nowMs() + FAILED_FOR_MS;
  }

  #isUsable({ addresses, foundMs }: Entry): boolean {
    return addresses.length > 0 && this.#nowMs() - foundMs < OLDEST_MS;
  }

  #keepStale(entry: Entry): void {
    entry.freshUntilMs = this.#nowMs() + STALE_FOR_MS;
  }
}

const known = ({ addresses, freshUntilMs }: Entry, nowMs: number): NameAnswer => ({
  kind: 'found',
  addresses,
  freshMs: freshUntilMs - nowMs,
});
