import { decisionFromLevels } from '../../../shared/limits/decision.ts';
import type { Decision, Verdict, Waiter } from '../../../shared/limits/decision.ts';
import { ruleLabel } from '../../../shared/limits/rule.ts';
import type { SharedMemoryStore } from '../../../shared/limits/shared-memory-store.ts';
import type { DecidesAtOnce, LimitStore, StoreFailure } from '../../../shared/limits/store.ts';
import { THREAD } from '../../../shared/metrics/layout.ts';
import type { ThreadMetrics } from '../metrics/thread-metrics.ts';
import { Batcher } from './batcher.ts';
import { countDecision } from './count-decision.ts';
import { Leases } from './leases.ts';
import { DENY_MEMORY_MS, LimitLane } from './limit-lane.ts';
import type { LaneSpec, PendingWant } from './limit-lane.ts';
import { decideWhileLocked, decideWithoutStore } from './without-store.ts';

export interface LimiterOptions {
  /** Monotonic milliseconds. */
  readonly clock: () => number;
  readonly store: LimitStore;
  /** Where mode `local` counts: memory that all threads of this process share. */
  readonly local: SharedMemoryStore;
  /** Nodes that are alive, this one included; read when mode `local` decides. */
  readonly liveNodes: () => number;
  /** No request waits longer than this for a decision. */
  readonly timeoutMs: number;
  readonly batchMaxWaitMs: number;
  readonly batchMaxClients: number;
  readonly metrics: ThreadMetrics;
  /** A waiter threw from `onDecision`; the others of its batch are served all the same. */
  readonly onError: (error: unknown) => void;
}

export const LIMITER_DEFAULTS = { timeoutMs: 10, batchMaxWaitMs: 0.5, batchMaxClients: 512 } as const;

const GRANTED: Verdict = { outcome: 'granted', mode: 'store', laterTokens: 0 };
const REFUSED: Verdict = { outcome: 'refused', mode: 'store', laterTokens: 0 };

/** The limiter of one request thread. */
export class Limiter {
  readonly #options: LimiterOptions;
  readonly #atOnce: DecidesAtOnce | undefined;
  readonly #batcher: Batcher;
  readonly #leases: Leases;
  readonly #lanes = new Map<string, LimitLane>();

  constructor(options: LimiterOptions) {
    this.#options = options;
    this.#atOnce = options.store.atOnce;
    this.#leases = new Leases({
      clock: options.clock,
      giveBack: (lane, client, units) => this.#batcher.giveBack(lane, client, units),
    });
    this.#batcher = new Batcher({
      clock: options.clock,
      store: options.store,
      maxWaitMs: options.batchMaxWaitMs,
      maxClients: options.batchMaxClients,
      timeoutMs: options.timeoutMs,
      metrics: options.metrics,
      ahead: (want) => this.#leases.ahead(want),
      settle: (want, failure) => this.#settle(want, failure),
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
   * `timeoutMs` whatever the store does
   */
  request(client: string, lane: LimitLane, waiter: Waiter): Decision | undefined {
    if (this.#atOnce !== undefined) return this.#decideAtOnce(this.#atOnce, client, lane);
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
    if (!this.#options.store.available) return this.#withoutStore(client, lane, this.#options.clock());
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
  }

  /** Sends what waits, gives back what was taken ahead, and resolves when the store has answered or its time is up. */
  async close(): Promise<void> {
    this.#batcher.flush();
    this.#leases.close();
    while (this.#batcher.unsettled > 0) await new Promise((resolve) => void setTimeout(resolve, 1));
    this.#batcher.close();
    this.#options.store.close();
  }

  #decideAtOnce(store: DecidesAtOnce, client: string, lane: LimitLane): Decision {
    const granted = store.takeNow(client, lane);
    if (granted === undefined) {
      const { local, clock } = this.#options;
      return this.#count(lane, decideWhileLocked({ client, lane, local, liveNodes: 1, nowMs: clock() }));
    }
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
    if (failure !== undefined) {
      this.#leases.settled(want, 0);
      for (const waiter of waiters) this.#deliver(waiter, this.#withoutStore(client, lane, nowMs), nowMs);
      return;
    }
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

  #withoutStore(client: string, lane: LimitLane, nowMs: number): Decision {
    const { local, liveNodes } = this.#options;
    return this.#count(lane, decideWithoutStore({ client, lane, local, liveNodes: liveNodes(), nowMs }));
  }

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
