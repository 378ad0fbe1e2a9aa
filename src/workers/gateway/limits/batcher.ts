import type { Waiter } from '../../../shared/limits/decision.ts';
import { LATE } from '../../../shared/limits/store.ts';
import type { LimitStore, StoreFailure, StoreSink, Want } from '../../../shared/limits/store.ts';
import { THREAD } from '../../../shared/metrics/layout.ts';
import type { ThreadMetrics } from '../metrics/thread-metrics.ts';
import { PendingWant } from './limit-lane.ts';
import type { Flush, LimitLane } from './limit-lane.ts';

export interface BatcherOptions {
  readonly clock: () => number;
  readonly store: LimitStore;
  /** How long requests gather while an earlier flush is under way, milliseconds (a fraction is fine). */
  readonly maxWaitMs: number;
  /** Clients that make a flush go at once. */
  readonly maxClients: number;
  /** From a request's arrival to the end of its flush, milliseconds; read for every flush. */
  readonly timeoutMs: number;
  readonly metrics: ThreadMetrics;
  /** How many requests to take ahead for this client; 0 = none. */
  readonly ahead: (want: PendingWant) => number;
  /** A want is about to be sent. */
  readonly onSend: (want: PendingWant) => void;
  /** A want has its answer, or none: called once per want. */
  readonly settle: (want: PendingWant, failure: StoreFailure | undefined) => void;
  /** What became of a want that was settled as late: called once. */
  readonly book: (want: PendingWant, failure: StoreFailure | undefined) => void;
}

/** Timers count in whole milliseconds and fire up to one late; the deadline that users were promised is kept. */
const TIMER_GRAIN_MS = 1;

/**
 * Gathers the requests of one thread into flushes. Idle: the flush goes at the end of this turn of the event loop, so a
 * lone request waits for nothing but the round trip. While a flush is under way the next one gathers until that one is
 * back, `maxWaitMs` have passed or `maxClients` are in it.
 */
export class Batcher implements StoreSink {
  readonly #options: BatcherOptions;
  #lanes: LimitLane[] = [];
  #clients = 0;
  #oldestMs = 0;
  #unsettled = 0;
  #late = 0;
  #scheduled = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: BatcherOptions) {
    this.#options = options;
  }

  /** Wants that have been sent and not settled. */
  get unsettled(): number {
    return this.#unsettled;
  }

  /** Wants that were settled as late, and of which it is not known what became. */
  get late(): number {
    return this.#late;
  }

  add(lane: LimitLane, client: string, waiter: Waiter): void {
    this.#push(this.#wantOf(lane, client), waiter);
  }

  /** For a client that has no bucket where there is no room for one: `address` names the one that it shares. */
  addByAddress(lane: LimitLane, address: string, waiter: Waiter): void {
    const want = this.#wantOf(lane, address);
    want.mayMake = true;
    this.#push(want, waiter);
  }

  #push(want: PendingWant, waiter: Waiter): void {
    want.waiters.push(waiter);
    if (this.#scheduled) return;
    if (
      this.#unsettled === 0 ||
      this.#clients >= this.#options.maxClients ||
      this.#options.clock() - this.#oldestMs >= this.#options.maxWaitMs
    ) {
      this.#schedule();
    } else {
      this.#timer ??= setTimeout(this.#onTimer, 1);
    }
  }

  /** Gives requests back that were taken ahead and not used. */
  giveBack(lane: LimitLane, client: string, units: number): void {
    const want = new PendingWant(client, lane);
    want.units = -units;
    this.#send([want], this.#options.clock());
  }

  /** Sends what has gathered now. */
  flush(): void {
    this.#scheduled = false;
    if (this.#clients === 0) return;
    const { ahead, clock, metrics, onSend } = this.#options;
    const flush: Flush = { sentMs: clock(), unsettled: 0, failed: false };
    const lanes = this.#lanes;
    this.#lanes = [];
    this.#clients = 0;
    const wants: PendingWant[] = [];
    let requests = 0;
    for (const lane of lanes) {
      for (const want of lane.gathering.values()) {
        requests += want.waiters.length;
        want.flush = flush;
        want.units = want.waiters.length + (lane.leaseUnits === 0 ? 0 : ahead(want));
        onSend(want);
        wants.push(want);
      }
      lane.gathering = new Map(); // requests that arrive from now on belong to the next flush
    }
    flush.unsettled = wants.length;
    metrics.addBatch(requests);
    metrics.addSeconds(THREAD.batchWait, (flush.sentMs - this.#oldestMs) / 1000);
    this.#send(wants, this.#oldestMs);
  }

  settled(wants: readonly Want[], failure: StoreFailure | undefined): void {
    this.#unsettled -= wants.length;
    // The store hands back the very objects it was given, never those of two calls at once.
    const pending = wants as readonly PendingWant[];
    if (pending[0]?.flush !== undefined) this.#countPart(pending[0].flush, pending.length, failure !== undefined);
    if (failure === LATE) this.#late += wants.length;
    for (const want of pending) this.#options.settle(want, failure);
    if (this.#unsettled === 0 && this.#clients > 0) this.#schedule();
  }

  booked(wants: readonly Want[], failure: StoreFailure | undefined): void {
    this.#late -= wants.length;
    for (const want of wants as readonly PendingWant[]) this.#options.book(want, failure);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #send(wants: readonly PendingWant[], sinceMs: number): void {
    this.#unsettled += wants.length;
    this.#options.store.take(wants, sinceMs + this.#options.timeoutMs - TIMER_GRAIN_MS, this);
  }

  /** The round trip of a flush ends with its last part; one that failed somewhere had no answer to wait for. */
  #countPart(flush: Flush, wants: number, failed: boolean): void {
    const { clock, metrics } = this.#options;
    flush.unsettled -= wants;
    if (failed) flush.failed = true;
    if (flush.unsettled > 0 || flush.failed) return;
    metrics.addSeconds(THREAD.redisRoundTrip, (clock() - flush.sentMs) / 1000);
  }

  #wantOf(lane: LimitLane, client: string): PendingWant {
    let want = lane.gathering.get(client);
    if (want === undefined) {
      if (this.#clients++ === 0) this.#oldestMs = this.#options.clock();
      if (lane.gathering.size === 0) this.#lanes.push(lane);
      want = new PendingWant(client, lane);
      lane.gathering.set(client, want);
    }
    return want;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#onTurnEnd);
  }

  readonly #onTurnEnd = (): void => this.flush();

  readonly #onTimer = (): void => {
    this.#timer = undefined;
    if (this.#clients === 0 || this.#scheduled) return;
    if (this.#options.clock() - this.#oldestMs >= this.#options.maxWaitMs) this.flush();
    else this.#timer = setTimeout(this.#onTimer, 1);
  };
}
