import { decisionFromLevels } from '../../../shared/limits/decision.ts';
import type { Decision, Verdict, Waiter } from '../../../shared/limits/decision.ts';
import type { RoomLess } from '../../../shared/limits/messages.ts';
import { ruleLabel } from '../../../shared/limits/rule.ts';
import type { SharedMemoryStore } from '../../../shared/limits/shared-memory-store.ts';
import { LATE, LOST } from '../../../shared/limits/store.ts';
import type { DecidesAtOnce, LimitStore, StoreFailure } from '../../../shared/limits/store.ts';
import { THREAD } from '../../../shared/metrics/layout.ts';
import type { ThreadMetrics } from '../metrics/thread-metrics.ts';
import { Batcher } from './batcher.ts';
import { countDecision } from './count-decision.ts';
import { Debts } from './debts.ts';
import { FlightTimer } from './flight-timer.ts';
import { Leases } from './leases.ts';
import { DENY_MEMORY_MS, LimitLane } from './limit-lane.ts';
import type { LaneSpec, PendingWant } from './limit-lane.ts';
import { LockedRequests } from './locked-requests.ts';
import type { Asking } from './locked-requests.ts';
import type { StoreRoom } from './store-room.ts';
import { decideLocally, decideWhileLocked, decideWithoutStore } from './without-store.ts';
import type { WithoutStore } from './without-store.ts';

export interface LimiterOptions {
  /** Monotonic milliseconds. */
  readonly clock: () => number;
  readonly store: LimitStore;
  /** Where mode `local` counts: memory that all threads of this process share. */
  readonly local: SharedMemoryStore;
  /** The store's, as the front sees it. */
  readonly room?: StoreRoom;
  /** A new client was decided by its address, because there is no room for it where it is said. */
  readonly onNoRoom?: (where: RoomLess) => void;
  /** Nodes that are alive, this one included; read when mode `local` decides. */
  readonly liveNodes: () => number;
  /** No request waits longer than this for a decision, but those of `closed` routes; read for every flush. */
  readonly timeoutMs: number;
  /** Buckets that may owe at a time. */
  readonly maxDebts: number;
  readonly batchMaxWaitMs: number;
  readonly batchMaxClients: number;
  readonly metrics: ThreadMetrics;
  /** A waiter threw from `onDecision`; the others of its batch are served all the same. */
  readonly onError: (error: unknown) => void;
}

export const LIMITER_DEFAULTS = {
  timeoutMs: 10,
  batchMaxWaitMs: 0.5,
  batchMaxClients: 512,
  maxDebts: 1_000_000,
} as const;

/** How long a request of a `closed` route waits for a store that is late but not gone. */
const CLOSED_PATIENCE_MS = 1_000;
/** How long a script that only charges debts may take. */
const CHARGE_TIMEOUT_MS = 500;
/** How long the end of a thread waits for what is late, and for debts to be charged. */
const CHARGE_ON_CLOSE_MS = 1_000;
const CLOSE_LOOK_MS = 1;

const GRANTED: Verdict = { outcome: 'granted', mode: 'store', laterTokens: 0 };
const REFUSED: Verdict = { outcome: 'refused', mode: 'store', laterTokens: 0 };

/** The limiter of one request thread. */
export class Limiter {
  readonly #options: LimiterOptions;
  readonly #atOnce: DecidesAtOnce | undefined;
  readonly #batcher: Batcher;
  readonly #leases: Leases;
  readonly #debts: Debts;
  /** For requests of `closed` routes whose answer is late. */
  readonly #patience: FlightTimer;
  /** Of a store that decides at once. */
  readonly #locked: LockedRequests;
  readonly #lanes = new Map<string, LimitLane>();

  constructor(options: LimiterOptions) {
    this.#options = options;
    this.#atOnce = options.store.atOnce;
    this.#leases = new Leases({
      clock: options.clock,
      giveBack: (lane, client, units) => this.#batcher.giveBack(lane, client, units),
    });
    this.#debts = new Debts({
      clock: options.clock,
      store: options.store,
      maxDebts: options.maxDebts,
      timeoutMs: CHARGE_TIMEOUT_MS,
      metrics: options.metrics,
    });
    this.#patience = new FlightTimer({ clock: options.clock });
    this.#locked = new LockedRequests({
      clock: options.clock,
      tryAgain: ({ client, lane, waiter }) => {
        const decision = this.#takeNow(client, lane, waiter);
        if (decision !== undefined) this.#deliver(waiter, decision, options.clock());
        return decision !== undefined;
      },
      giveUp: (asking) => {
        const nowMs = options.clock();
        this.#deliver(asking.waiter, this.#count(asking.lane, decideWhileLocked(this.#ask(asking, nowMs))), nowMs);
      },
    });
    this.#batcher = new Batcher({
      clock: options.clock,
      store: options.store,
      maxWaitMs: options.batchMaxWaitMs,
      maxClients: options.batchMaxClients,
      get timeoutMs() {
        return options.timeoutMs;
      },
      metrics: options.metrics,
      ahead: (want) => this.#leases.ahead(want),
      onSend: (want) => {
        if (!this.#debts.isEmpty) this.#debts.attach(want);
      },
      settle: (want, failure) => this.#settle(want, failure),
      book: (want, failure) => this.#book(want, failure),
    });
  }

  /** The lane of a route; equal specifications share one. Made when configuration is read, not per request. */
  lane(spec: LaneSpec): LimitLane {
    const name = JSON.stringify(spec);
    let lane = this.#lanes.get(name);
    if (lane === undefined) {
      const ruleStarts = spec.rules.map((rule) => this.#options.metrics.startOf('rule', ruleLabel(rule)));
      lane = new LimitLane(spec, ruleStarts);
      this.#lanes.set(name, lane);
    }
    return lane;
  }

  /**
   * Decides one request of `client`.
   * @returns the decision where it is known at once; else `undefined`, and `waiter.onDecision` is called later, within
   * `timeoutMs` whatever the store does; where it decides at once, but another thread holds the buckets, within a second
   */
  request(client: string, lane: LimitLane, waiter: Waiter): Decision | undefined {
    if (this.#atOnce !== undefined) {
      const decision = this.#takeNow(client, lane, waiter);
      if (decision === undefined) this.#locked.add({ lane, client, waiter });
      return decision;
    }
    const denied = lane.denied.isEmpty ? undefined : this.#denied(client, lane);
    if (denied !== undefined) return this.#count(lane, denied);
    if (lane.leaseUnits > 0) {
      const held = this.#leases.spend(lane, client);
      if (held !== undefined) {
        const laterTokens = this.#leases.inHand(lane, client) * lane.cost;
        return this.#count(
          lane,
          decisionFromLevels(lane, held.left, { outcome: 'granted', mode: 'lease', laterTokens }),
        );
      }
    }
    const { store } = this.#options;
    if (!store.available && (store.isGone || lane.onStoreFailure !== 'closed')) {
      return this.#owing({ lane, client, waiter }, this.#options.clock());
    }
    this.#batcher.add(lane, client, waiter);
    return undefined;
  }

  /** Forgets what is remembered of a client beside its buckets: refusals, last levels, tokens taken ahead. */
  forget(client: string): void {
    for (const lane of this.#lanes.values()) {
      lane.denied.delete(client);
      lane.known.delete(client);
    }
    this.#leases.forget(client);
    this.#debts.forget(client);
  }

  /**
   * Sends what waits, gives back what was taken ahead, charges what is owed, and resolves when the store has answered or
   * its time is up: a second for debts where it cannot be asked.
   */
  async close(): Promise<void> {
    const { clock, store } = this.#options;
    const endMs = clock() + CHARGE_ON_CLOSE_MS;
    this.#batcher.flush();
    this.#leases.close();
    const isOpen = (): boolean => this.#batcher.late > 0 || !this.#debts.isSettled;
    while (this.#batcher.unsettled > 0 || (isOpen() && clock() < endMs)) {
      this.#debts.charge();
      await new Promise((resolve) => void setTimeout(resolve, CLOSE_LOOK_MS));
    }
    this.#batcher.close();
    this.#debts.close();
    this.#patience.close();
    this.#locked.close();
    store.close();
  }

  /** @returns `undefined`: another thread holds its buckets, and it is not decided */
  #takeNow(client: string, lane: LimitLane, waiter: Waiter): Decision | undefined {
    const store = this.#atOnce as DecidesAtOnce;
    let granted = store.takeNow(client, lane);
    if (granted === 'full') {
      this.#onNoRoomHere();
      granted = store.takeNow(waiter.addressName(), lane, true);
    }
    if (granted === undefined || granted === 'full') return undefined;
    return this.#count(lane, decisionFromLevels(lane, store.left, granted ? GRANTED : REFUSED));
  }

  #denied(client: string, lane: LimitLane): Decision | undefined {
    const denial = lane.denied.get(client);
    if (denial === undefined) return undefined;
    const nowMs = this.#options.clock();
    if (nowMs >= denial.untilMs) {
      lane.denied.delete(client);
      return undefined;
    }
    const { decision } = denial;
    const passedMs = nowMs - denial.madeMs;
    return {
      outcome: 'refused',
      mode: 'cache',
      remaining: decision.remaining,
      limit: decision.limit,
      retryAfterMs: decision.retryAfterMs - passedMs,
      resetMs: decision.resetMs - passedMs,
      rule: decision.rule,
    };
  }

  #settle(want: PendingWant, failure: StoreFailure | undefined): void {
    const { lane, client, waiters } = want;
    if (want.units < 0) return; // given back; nobody waits
    const nowMs = this.#options.clock();
    if (failure === LATE) {
      if (lane.onStoreFailure === 'closed') this.#wait(want);
      else this.#decideLate(want, nowMs);
      return;
    }
    if (failure !== undefined) {
      this.#leases.settled(want, 0);
      want.waiters = [];
      if (failure !== LOST) this.#debts.restore(want);
      // What is lost may have been taken by the store, so it is not charged for what is granted here.
      for (const waiter of waiters) {
        const asking = { lane, client, waiter };
        const decision = failure === LOST ? this.#withoutStore(asking, nowMs) : this.#owing(asking, nowMs);
        this.#deliver(waiter, decision, nowMs);
      }
      return;
    }
    if (want.isNew) return this.#settleNew(want, nowMs);
    this.#debts.paid(want);
    const served = Math.min(want.granted, waiters.length);
    if (lane.leaseUnits > 0) this.#leases.settled(want, want.granted - served);
    want.waiters = [];
    want.settledMs = nowMs;
    lane.known.set(client, want, nowMs);
    for (let i = 0; i < served; i++) {
      const laterTokens = (want.granted - 1 - i) * lane.cost;
      this.#deliver(
        waiters[i] as Waiter,
        this.#count(lane, decisionFromLevels(lane, want.left, { outcome: 'granted', mode: 'store', laterTokens })),
        nowMs,
      );
    }
    if (served === waiters.length) return;
    const refusal = decisionFromLevels(lane, want.left, { outcome: 'refused', mode: 'store', laterTokens: 0 });
    const untilMs = nowMs + Math.min(refusal.retryAfterMs, DENY_MEMORY_MS);
    lane.denied.set(client, { untilMs, decision: refusal, madeMs: nowMs }, nowMs);
    for (let i = served; i < waiters.length; i++)
      this.#deliver(waiters[i] as Waiter, this.#count(lane, refusal), nowMs);
  }

  /**
   * The store has no bucket for this client, and is to make none: the client shares that of its address. Where even that
   * cannot be made, because Redis has no memory left, this process counts for the address, by its share.
   */
  #settleNew(want: PendingWant, nowMs: number): void {
    const { lane, client, waiters, mayMake } = want;
    this.#leases.settled(want, 0);
    this.#debts.drop(want);
    want.waiters = [];
    if (this.#options.room?.isFull !== true || mayMake) this.#options.onNoRoom?.('redis');
    for (const waiter of waiters) {
      if (mayMake) {
        const ask = this.#ask({ lane, client, waiter }, nowMs);
        this.#deliver(waiter, this.#count(lane, decideLocally(ask)), nowMs);
        continue;
      }
      this.#options.metrics.add(THREAD.decidedByAddress);
      const address = waiter.addressName();
      const denied = this.#denied(address, lane);
      if (denied === undefined) this.#batcher.addByAddress(lane, address, waiter);
      else this.#deliver(waiter, this.#count(lane, denied), nowMs);
    }
  }

  /** Decides the waiters of a want whose answer is late; what they use up is booked when it comes. */
  #decideLate(want: PendingWant, nowMs: number): void {
    const { lane, client, waiters } = want;
    this.#leases.settled(want, 0);
    want.waiters = [];
    for (const waiter of waiters) {
      const decision = this.#withoutStore({ lane, client, waiter }, nowMs);
      if (decision.outcome === 'granted') {
        if (want.used++ === 0) want.usedSinceMs = nowMs;
      }
      this.#deliver(waiter, decision, nowMs);
    }
  }

  /** A `closed` route refuses only when the store is gone: its requests wait for an answer that is late. */
  #wait(want: PendingWant): void {
    this.#patience.add({
      deadlineMs: this.#options.clock() + CLOSED_PATIENCE_MS,
      get ended() {
        return want.waiters.length === 0;
      },
      expire: () => this.#decideLate(want, this.#options.clock()),
    });
  }

  /** What became of a want that was late: what the store gave beyond what was used goes back, what is missing is owed. */
  #book(want: PendingWant, failure: StoreFailure | undefined): void {
    const { lane, client, used } = want;
    if (want.units < 0) return;
    if (want.waiters.length > 0) return this.#settle(want, failure);
    if (failure === LOST) return;
    const owes = lane.onStoreFailure === 'local';
    if (failure !== undefined) {
      this.#debts.restore(want);
      if (owes && used > 0) this.#debts.owe(want, used, want.usedSinceMs);
      return;
    }
    if (want.isNew) return this.#debts.drop(want); // this process's share of its address was charged for it
    this.#debts.paid(want);
    const nowMs = this.#options.clock();
    want.settledMs = nowMs;
    lane.known.set(client, want, nowMs);
    if (want.granted > used) this.#batcher.giveBack(lane, client, want.granted - used);
    else if (owes && used > want.granted) this.#debts.owe(want, used - want.granted, want.usedSinceMs);
  }

  /** Decides without the store; what a `local` route grants so is a debt. */
  #owing(asking: Asking, nowMs: number): Decision {
    const { lane } = asking;
    const ask = this.#ask(asking, nowMs);
    const decision = this.#count(lane, decideWithoutStore(ask));
    // Also where it passed because its bucket here was locked.
    if (lane.onStoreFailure === 'local' && decision.outcome === 'granted') this.#debts.owe(ask, 1, nowMs);
    return decision;
  }

  #withoutStore(asking: Asking, nowMs: number): Decision {
    return this.#count(asking.lane, decideWithoutStore(this.#ask(asking, nowMs)));
  }

  /** Of a client that the store, which is full, may not know, only the address counts. */
  #ask({ lane, client, waiter }: Asking, nowMs: number): WithoutStore {
    const { local, liveNodes, room } = this.#options;
    const isUnknown = room?.isFull === true && lane.known.get(client) === undefined;
    if (isUnknown) this.#options.metrics.add(THREAD.decidedByAddress);
    return {
      client: isUnknown ? waiter.addressName() : client,
      waiter,
      lane,
      local,
      liveNodes: this.#atOnce === undefined ? liveNodes() : 1,
      nowMs,
      onNoRoom: this.#onNoRoomHere,
    };
  }

  readonly #onNoRoomHere = (): void => {
    this.#options.metrics.add(THREAD.decidedByAddress);
    this.#options.onNoRoom?.('process');
  };

  #count(lane: LimitLane, decision: Decision): Decision {
    countDecision(this.#options.metrics, lane, decision);
    return decision;
  }

  #deliver(waiter: Waiter, decision: Decision, nowMs: number): void {
    this.#options.metrics.addSeconds(THREAD.decisionWait, (nowMs - waiter.startedMs) / 1000);
    try {
      waiter.onDecision(decision);
    } catch (error) {
      this.#options.onError(error);
    }
  }
}
