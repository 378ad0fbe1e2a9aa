import { clearCounts, highOf, lowOf, readTally, stampOf } from '../../shared/breaker/client-table.ts';
import type { Tally } from '../../shared/breaker/evidence.ts';
import {
  BUCKETS,
  FIELD,
  FLAG,
  generationOf,
  kindOf,
  NO_STAMP,
  rowOf,
  TRIP,
  WINDOW_FIELDS,
  wordOf,
} from '../../shared/breaker/memory.ts';
import { VOTE_MS } from '../../shared/breaker/heard.ts';
import { toWrapped, untilWrapped } from '../../shared/breaker/process-clock.ts';
import type { BreakerUpstream } from '../../shared/breaker/rule.ts';
import type { BreakerKind, BreakerOp } from '../../shared/breaker/state.ts';
import {
  afterReport,
  freshTally,
  MAX_COUNT,
  PENDING,
  succeededIn,
  unsentOf,
  withBase,
} from '../../shared/breaker/tally.ts';

/** What the threads are to see. */
export interface Shown {
  readonly kind: BreakerKind;
  /** Pooled failures a CLOSED upstream starts with. */
  readonly failures: number;
  /** Process clock, as `nowMs`. */
  readonly retryAtMs: number;
  readonly nowMs: number;
  /** Probes that may be asked for at once. */
  readonly askLimit: number;
  /** Client that alone proved an opening; '' = several did. */
  readonly narrow: string;
  /** Requests of others that may be under way at once while it is narrow; 0 = any number. */
  readonly othersLimit: number;
  /** Clients that other nodes see served well. */
  readonly calm: number;
  /** An operator holds it CLOSED: threads count nothing, so that none opens it. */
  readonly held: boolean;
}

/** Surely over, whatever the clocks of two threads differ by. */
const PAST_MS = 1_000;

const TRIP_NAMES: Readonly<Record<number, 'error_rate' | 'slow_calls'>> = {
  [TRIP.ERROR_RATE]: 'error_rate',
  [TRIP.SLOW_CALLS]: 'slow_calls',
};

/** The front's hand on one row of the shared memory: the only place that moves a WORD, but for a thread's opening. */
export class SharedRow {
  readonly #words: Int32Array;
  readonly #place: number;
  readonly #row: number;
  /** WORD as this side last wrote it. */
  #word: number;
  /** FLAGS as the configuration has them. */
  #flags = 0;
  #held = false;

  constructor(memory: SharedArrayBuffer, place: number) {
    this.#words = new Int32Array(memory);
    this.#place = place;
    this.#row = rowOf(place);
    this.#word = this.#load(FIELD.WORD);
  }

  #load(field: number): number {
    return Atomics.load(this.#words, this.#row + field);
  }

  #store(field: number, value: number): void {
    Atomics.store(this.#words, this.#row + field, value);
  }

  configure(upstream: BreakerUpstream): void {
    const { rule, window, mode } = upstream;
    this.#store(FIELD.THRESHOLD, Math.min(MAX_COUNT, Math.max(1, rule.failureThreshold)));
    this.#store(FIELD.RESET_MS, rule.resetTimeoutMs);
    this.#store(FIELD.BUCKET_MS, Math.max(1, Math.ceil((window?.windowMs ?? VOTE_MS) / BUCKETS)));
    this.#store(FIELD.MIN_VOLUME, Math.max(1, window?.minVolume ?? 1));
    this.#store(FIELD.ERROR_PERMILLE, Math.round((window?.errorRate ?? 0) * 1000));
    this.#store(FIELD.SLOW_PERMILLE, Math.round((window?.slowRate ?? 0) * 1000));
    this.#flags =
      (mode === 'off' ? FLAG.OFF : 0) |
      (mode === 'shadow' ? FLAG.SHADOW : 0) |
      (rule.minNodes > 1 ? FLAG.QUORUM : 0) |
      ((window?.slowRate ?? 0) > 0 ? FLAG.COUNT_ALL : 0);
    this.#hold(this.#held);
  }

  #hold(held: boolean): void {
    this.#held = held;
    this.#store(FIELD.FLAGS, this.#flags | (held ? FLAG.OFF : 0));
  }

  /** A thread has opened it and nobody has confirmed that yet. */
  openedByThread(): boolean {
    return this.#load(FIELD.WORD) !== this.#word;
  }

  /** Whether that thread went by this process's own failures alone (its count or its window, not the pooled one). */
  openedOnOwnEvidence(): boolean {
    return this.#load(FIELD.TRIP) !== TRIP.POOLED;
  }

  kind(): BreakerKind {
    return kindOf(this.#load(FIELD.WORD));
  }

  hasUnsent(): boolean {
    const tally = this.#load(FIELD.TALLY);
    return unsentOf(tally) > 0 || succeededIn(tally) || this.openedByThread();
  }

  /** WORD as the threads see it. */
  word(): number {
    return this.#load(FIELD.WORD);
  }

  /** What the threads have seen of the clients lately. */
  tally(nowMs: number): Tally {
    return readTally(this.#words, this.#place, stampOf(this.#words, this.#row, nowMs));
  }

  /** Takes what the threads have counted since the last time; undefined when that is nothing. */
  takeReport(epoch: number, nowMs: number): BreakerOp | undefined {
    const opened = this.openedByThread();
    const at = this.#row + FIELD.TALLY;
    let tally = this.#load(FIELD.TALLY);
    for (;;) {
      if ((tally & PENDING) === 0 && !opened) return undefined;
      const found = Atomics.compareExchange(this.#words, at, tally, afterReport(tally));
      if (found === tally) break;
      tally = found;
    }
    const failures = unsentOf(tally);
    const success = succeededIn(tally);
    const trip = opened ? (TRIP_NAMES[this.#load(FIELD.TRIP)] ?? 'none') : 'none';
    return failures > 0 || success || opened
      ? { op: 'report', epoch, failures, success, trip, tally: this.tally(nowMs) }
      : undefined;
  }

  /**
   * Shows a state to the threads. A new generation begins unless `same` says it is the state already shown (then only
   * counts and times are brought up to date).
   * @returns false when a thread opened the breaker and `how.overrule` does not say that this is known: report first
   */
  show(shown: Shown, how: { readonly same: boolean; readonly overrule: boolean }): boolean {
    const before = this.#load(FIELD.WORD);
    if (before !== this.#word && !how.overrule) return false;
    this.#store(FIELD.RETRY_AT, toWrapped(shown.retryAtMs));
    this.#store(FIELD.ASK_LIMIT, Math.max(0, shown.askLimit));
    this.#store(FIELD.CALM, shown.calm);
    this.#store(FIELD.CALM_UNTIL, this.#windowEnd(shown.nowMs));
    if (how.same) {
      this.#narrow(shown, before);
      if (kindOf(before) === 'CLOSED') this.#rebase(shown.failures);
      if (shown.failures > 0) this.#watch(shown.nowMs);
      this.#word = before;
      return true;
    }
    this.#store(FIELD.DENIED_UNTIL, toWrapped(shown.nowMs) - PAST_MS);
    if (shown.held) this.#hold(true);
    // Counts first: threads of the old generation leave them alone, those of the new one cannot exist yet.
    const generation = generationOf(before) + 1;
    this.#store(FIELD.TALLY, freshTally(generation, shown.kind === 'CLOSED' ? shown.failures : 0));
    this.#store(FIELD.OWN, 0);
    this.#store(FIELD.WATCH_UNTIL, 0);
    this.#store(FIELD.OTHERS, 0);
    clearCounts(this.#words, this.#place);
    this.#store(FIELD.TRIP, TRIP.NONE);
    for (let i = 0; i < BUCKETS; i++) this.#store(FIELD.WINDOW + i * WINDOW_FIELDS, NO_STAMP);
    const word = wordOf(generation, shown.kind);
    // An opening is the same word as a thread's that may come first, and the authority knows best who has proved it.
    if (shown.kind === 'OPEN') this.#narrow(shown, word);
    if (Atomics.compareExchange(this.#words, this.#row + FIELD.WORD, before, word) !== before) return false;
    this.#word = word;
    if (shown.kind !== 'OPEN') this.#narrow(shown, word);
    if (!shown.held) this.#hold(false); // not before: the old generation may still be at it
    return true;
  }

  /** Somebody has failed, here or on another node: requests are counted by client for one window. */
  #watch(nowMs: number): void {
    this.#store(FIELD.WATCH_UNTIL, this.#windowEnd(nowMs) || 1);
  }

  #windowEnd(nowMs: number): number {
    return toWrapped(nowMs + this.#load(FIELD.BUCKET_MS) * BUCKETS);
  }

  #narrow({ narrow, othersLimit }: Shown, word: number): void {
    this.#store(FIELD.NARROW_LOW, lowOf(narrow));
    this.#store(FIELD.NARROW_HIGH, highOf(narrow));
    this.#store(FIELD.OTHERS_LIMIT, othersLimit);
    this.#store(FIELD.NARROW_OF, word);
  }

  #rebase(failures: number): void {
    const at = this.#row + FIELD.TALLY;
    for (;;) {
      const tally = this.#load(FIELD.TALLY);
      const next = withBase(tally, failures);
      if (next === tally || Atomics.compareExchange(this.#words, at, tally, next) === tally) return;
    }
  }

  /** CLOSED, and nothing counted: the row starts with an upstream, or is left by one. */
  reset(): void {
    const closed: Shown = {
      kind: 'CLOSED',
      failures: 0,
      retryAtMs: 0,
      nowMs: 0,
      askLimit: 0,
      narrow: '',
      othersLimit: 0,
      calm: 0,
      held: false,
    };
    while (!this.show(closed, { same: false, overrule: true }));
  }

  /** The upstream is no longer in the configuration; requests that still hold its place pass. */
  retire(): void {
    this.#flags = FLAG.OFF;
    this.#hold(true);
    this.reset();
  }

  /**
   * Threads need not ask for a permit for so long, but for one request of another client: the first may hold all there
   * are, and then another gets one more.
   */
  deny(client: string | undefined, now: { readonly nowMs: number; readonly forMs: number }): void {
    const { nowMs, forMs } = now;
    const again = untilWrapped(this.#load(FIELD.DENIED_UNTIL), nowMs) > 0;
    this.#store(FIELD.DENIED_CLIENT, again || client === undefined ? 0 : lowOf(client));
    this.#store(FIELD.DENIED_UNTIL, toWrapped(nowMs + forMs));
  }

  refused(): number {
    return this.#load(FIELD.REFUSED) >>> 0;
  }
}
