import type { Decision, Waiter } from '../../../shared/limits/decision.ts';
import type { CompiledRule, Lane, OnStoreFailure } from '../../../shared/limits/rule.ts';
import type { Charge, Want } from '../../../shared/limits/store.ts';
import { RecentMap } from './recent-map.ts';

/** What a route asks of the limiter for each of its requests. */
export interface LaneSpec {
  /** At least one; all must grant. */
  readonly rules: readonly CompiledRule[];
  /** Tokens per request, at least 1. */
  readonly cost: number;
  readonly onStoreFailure: OnStoreFailure;
  /** Tokens that a hot client's thread may take ahead; 0 = off. */
  readonly leaseTokens: number;
  /** Decisions are only watched; they are counted as such. */
  readonly shadow: boolean;
}

/** The longest a refusal is remembered: `DEL` of a bucket frees its client within this. */
export const DENY_MEMORY_MS = 1_000;
const DENY_ENTRIES = 16_384;
/** How long the last known level of a client is kept, for the day the store goes away. */
const LEVEL_MEMORY_MS = 60_000;
const LEVEL_ENTRIES = 16_384;

/** A refusal that holds until `untilMs` without asking again. */
export interface Denial {
  readonly untilMs: number;
  /** The refusal itself, and when it was made: its waits shrink as time passes. */
  readonly decision: Decision;
  readonly madeMs: number;
}

/** Wants that were sent together. */
export interface Flush {
  readonly sentMs: number;
  /** Wants that are not settled yet. */
  unsettled: number;
  failed: boolean;
}

/** Tokens of one bucket that this thread granted while the store could not be asked. */
export interface Owed {
  readonly client: string;
  readonly rule: CompiledRule;
  tokens: number;
  /** When the first of them was granted. */
  sinceMs: number;
}

/** One client's requests that wait together; after it is settled, what is known of the client's buckets. */
export class PendingWant implements Want {
  readonly client: string;
  readonly lane: LimitLane;
  /** In arrival order; emptied when settled. */
  waiters: Waiter[] = [];
  units = 0;
  granted = 0;
  isNew = false;
  /** It is an address's: new clients share its bucket, which is made also where there is no room. */
  mayMake = false;
  readonly left: number[] = [];
  charges: readonly Charge[] | undefined = undefined;
  unpaid: number[] | undefined = undefined;
  /** What `charges` are made of; they stay debts where the want is not run. */
  owed: readonly Owed[] | undefined = undefined;
  /** Requests that were let pass without the store's word, because it came late; the first of them at `usedSinceMs`. */
  used = 0;
  usedSinceMs = 0;
  settledMs = 0;
  /** What it was sent with; `undefined` = not sent, or it gives tokens back. */
  flush: Flush | undefined = undefined;

  constructor(client: string, lane: LimitLane) {
    this.client = client;
    this.lane = lane;
  }

  get isPatient(): boolean {
    return this.lane.onStoreFailure === 'closed';
  }
}

/** The state of one thread for one kind of request: who waits, who was refused, what was last known. */
export class LimitLane implements Lane {
  readonly rules: readonly CompiledRule[];
  readonly cost: number;
  readonly onStoreFailure: OnStoreFailure;
  /** Requests that may be taken ahead. */
  readonly leaseUnits: number;
  readonly shadow: boolean;
  /** Where the metrics' row of each rule starts. */
  readonly ruleStarts: readonly number[];
  readonly denied = new RecentMap<Denial>({ maxEntries: DENY_ENTRIES, maxAgeMs: DENY_MEMORY_MS });
  readonly known = new RecentMap<PendingWant>({ maxEntries: LEVEL_ENTRIES, maxAgeMs: LEVEL_MEMORY_MS });
  /** The batch that gathers; owned by the batcher. */
  gathering = new Map<string, PendingWant>();

  constructor(spec: LaneSpec, ruleStarts: readonly number[]) {
    if (spec.rules.length === 0) throw new RangeError('a lane needs a rule');
    if (!Number.isInteger(spec.cost) || spec.cost < 1) throw new RangeError(`cost ${spec.cost}: a whole number from 1`);
    this.rules = spec.rules;
    this.cost = spec.cost;
    this.onStoreFailure = spec.onStoreFailure;
    this.shadow = spec.shadow;
    this.ruleStarts = ruleStarts;
    this.leaseUnits = Math.floor(spec.leaseTokens / spec.cost);
  }
}
