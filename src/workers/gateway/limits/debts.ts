import type { CompiledRule, Lane } from '../../../shared/limits/rule.ts';
import { LATE, LOST } from '../../../shared/limits/store.ts';
import type { Charge, LimitStore, StoreFailure, StoreSink, Want } from '../../../shared/limits/store.ts';
import { THREAD } from '../../../shared/metrics/layout.ts';
import type { ThreadMetrics } from '../metrics/thread-metrics.ts';
import type { LimitLane, Owed, PendingWant } from './limit-lane.ts';

/** A want that only charges. */
interface Settlement extends Want {
  readonly owed: Owed;
}

export interface DebtsOptions {
  readonly clock: () => number;
  readonly store: LimitStore;
  /** Buckets that may owe at a time; beyond it the smaller debts are forgotten. */
  readonly maxDebts: number;
  /** How long a script that charges may take, milliseconds. */
  readonly timeoutMs: number;
  readonly metrics: ThreadMetrics;
}

/** How often it is looked whether debts of clients that do not ask again can be charged. */
const LOOK_EVERY_MS = 50;
/** Keys in a script that charges: as many as one for requests has, so that these do not wait for it. */
const KEYS_A_SCRIPT = 128;
/** So many debts are looked at to find a small one when there is no room. */
const COMPARED = 16;

const NOTHING: Charge = { tokens: 0, ageMs: 0 };

/**
 * What was granted without the store, to be charged at its time when the store can be asked again: with the client's next
 * want, or in the background, one script after the other. What may have been charged is never charged again.
 */
export class Debts implements StoreSink {
  readonly #options: DebtsOptions;
  readonly #clients = new Map<string, Owed[]>();
  readonly #lanes = new Map<CompiledRule, Lane>();
  #size = 0;
  /** Settlements that have been sent and whose fate is not known. */
  #outstanding = 0;
  #hand: IterableIterator<Owed[]> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: DebtsOptions) {
    this.#options = options;
  }

  get isEmpty(): boolean {
    return this.#size === 0;
  }

  /** Nothing is owed, and of nothing it is unknown whether it was charged. */
  get isSettled(): boolean {
    return this.#size === 0 && this.#outstanding === 0;
  }

  /** So many requests of a client were granted, the first at `sinceMs`. */
  owe(grant: { readonly client: string; readonly lane: LimitLane }, units: number, sinceMs: number): void {
    const { client, lane } = grant;
    for (const rule of lane.rules) this.#add({ client, rule, tokens: units * lane.cost, sinceMs });
  }

  /** Lets a want charge what its client owes in the buckets of its rules. */
  attach(want: PendingWant): void {
    const debts = this.#clients.get(want.client);
    if (debts === undefined) return;
    const nowMs = this.#options.clock();
    const { rules } = want.lane;
    const charges: Charge[] = [];
    const owed: Owed[] = [];
    for (const rule of rules) {
      const debt = debts.find((each) => each.rule.keySuffix === rule.keySuffix);
      charges.push(debt === undefined ? NOTHING : { tokens: debt.tokens, ageMs: nowMs - debt.sinceMs });
      if (debt === undefined) continue;
      owed.push(debt);
      this.#remove(debt);
    }
    if (owed.length === 0) return;
    want.charges = charges;
    want.unpaid = [];
    want.owed = owed;
  }

  /** A want was run: what its buckets could not be charged with stays owed, from now on. */
  paid(want: PendingWant): void {
    const { owed, unpaid = [], lane } = want;
    for (const { client, rule } of owed ?? []) this.#addRest({ client, rule }, unpaid[lane.rules.indexOf(rule)]);
    want.owed = undefined;
  }

  /** Its client has no bucket and was given none, because there is no room: there is nothing to charge it to. */
  drop(want: PendingWant): void {
    if (want.owed !== undefined) this.#options.metrics.add(THREAD.debtsForgotten, want.owed.length);
    want.owed = undefined;
  }

  /** A want was not run: its client owes what it would have charged. */
  restore(want: PendingWant): void {
    for (const debt of want.owed ?? []) this.#add(debt);
    want.owed = undefined;
  }

  /** Its buckets are set anew. */
  forget(client: string): void {
    for (;;) {
      const [debt] = this.#clients.get(client) ?? [];
      if (debt === undefined) return;
      this.#remove(debt);
    }
  }

  /** Charges what it can now, unless a script is under way. */
  charge(): void {
    if (this.#size === 0 || this.#outstanding > 0 || !this.#options.store.available) return;
    const { clock, store, timeoutMs } = this.#options;
    const nowMs = clock();
    const owed: Owed[] = [];
    for (const debts of this.#clients.values()) {
      if (owed.length >= KEYS_A_SCRIPT) break;
      owed.push(...debts);
    }
    const wants = owed.map((debt): Settlement => {
      this.#remove(debt);
      const charges = [{ tokens: debt.tokens, ageMs: nowMs - debt.sinceMs }];
      return {
        owed: debt,
        client: debt.client,
        lane: this.#laneOf(debt.rule),
        units: 0,
        charges,
        mayMake: true,
        granted: 0,
        left: [],
      };
    });
    this.#outstanding = wants.length;
    store.take(wants, nowMs + timeoutMs, this);
  }

  settled(wants: readonly Want[], failure: StoreFailure | undefined): void {
    if (failure !== LATE) this.booked(wants, failure);
  }

  booked(wants: readonly Want[], failure: StoreFailure | undefined): void {
    this.#outstanding -= wants.length;
    for (const want of wants as readonly Settlement[])
      if (failure === undefined) {
        if (want.isNew === true) this.#options.metrics.add(THREAD.debtsForgotten);
        else this.#addRest(want.owed, want.unpaid?.[0]);
      }
    if (failure !== undefined && failure !== LOST) for (const want of wants) this.#add((want as Settlement).owed);
    // The next script at once where many wait; a bucket that could not be charged with all is looked at again later.
    else if (failure === undefined && this.#outstanding === 0 && this.#size >= KEYS_A_SCRIPT) this.charge();
  }

  #addRest({ client, rule }: Pick<Owed, 'client' | 'rule'>, tokens: number | undefined): void {
    if (tokens !== undefined && tokens > 0) this.#add({ client, rule, tokens, sinceMs: this.#options.clock() });
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #add(debt: Owed): void {
    if (debt.tokens <= 0 || debt.rule.capacity === 0) return; // a bucket of no capacity is never stored
    const { client, rule } = debt;
    const debts = this.#clients.get(client);
    const before = debts?.find((each) => each.rule.keySuffix === rule.keySuffix);
    if (before !== undefined) {
      before.tokens += debt.tokens;
      before.sinceMs = Math.min(before.sinceMs, debt.sinceMs);
      return;
    }
    if (this.#size >= this.#options.maxDebts && !this.#makeRoom(debt)) return;
    if (debts === undefined) this.#clients.set(client, [debt]);
    else debts.push(debt);
    this.#count(1);
    this.#timer ??= setInterval(() => this.charge(), LOOK_EVERY_MS).unref();
  }

  #remove(debt: Owed): void {
    const debts = this.#clients.get(debt.client);
    const at = debts?.indexOf(debt) ?? -1;
    if (debts === undefined || at < 0) return;
    if (debts.length === 1) this.#clients.delete(debt.client);
    else debts.splice(at, 1);
    this.#count(-1);
    if (this.#size === 0) this.close();
  }

  /** Forgets the smallest of some debts, measured by capacity. @returns `false`: the new one is smaller than those */
  #makeRoom(debt: Owed): boolean {
    let smallest = debt;
    for (let i = 0; i < COMPARED; i++) {
      this.#hand ??= this.#clients.values();
      const { done, value } = this.#hand.next() as IteratorResult<Owed[], undefined>;
      if (done === true) this.#hand = undefined;
      else for (const each of value) if (shareOf(each) < shareOf(smallest)) smallest = each;
    }
    this.#options.metrics.add(THREAD.debtsForgotten);
    if (smallest === debt) return false;
    this.#remove(smallest);
    return true;
  }

  #count(change: number): void {
    this.#size += change;
    this.#options.metrics.set(THREAD.owingBuckets, this.#size);
  }

  #laneOf(rule: CompiledRule): Lane {
    let lane = this.#lanes.get(rule);
    if (lane === undefined) this.#lanes.set(rule, (lane = { rules: [rule], cost: 1 }));
    return lane;
  }
}

const shareOf = ({ tokens, rule }: Owed): number => tokens / rule.capacity;
