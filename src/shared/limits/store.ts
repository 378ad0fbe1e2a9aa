import type { Lane } from './rule.ts';

/** Tokens of one bucket that were granted while the store could not be asked. */
export interface Charge {
  /** 0 = nothing is owed. */
  readonly tokens: number;
  /** How long ago the first of them was granted, milliseconds. */
  readonly ageMs: number;
}

/**
 * The seam between the limiter and whatever keeps the buckets: the process's memory, Redis, a Redis Cluster.
 * `store.contract.ts` is the one suite that every implementation passes.
 */
export interface Want {
  readonly client: string;
  readonly lane: Lane;
  /** Requests waiting; negative gives tokens back. */
  readonly units: number;
  /** Waits for a store that is slow as long as it is not gone. */
  readonly isPatient?: boolean;
  /** What is charged before `units` are looked at, one for each rule; `undefined` = nothing is owed. */
  readonly charges?: readonly Charge[] | undefined;
  /** It gets a bucket also where the store is full. */
  readonly mayMake?: boolean;
  /** Filled in by the store where there are charges: tokens of each that would lie below -capacity, and stay owed. */
  readonly unpaid?: number[] | undefined;
  /** Filled in by the store: how many of `units` are granted, in arrival order. */
  granted: number;
  /** Filled in by the store, which is full: the client has no bucket and was given none; nothing is granted or charged. */
  isNew?: boolean;
  /** Filled in by the store: tokens left in each rule's bucket afterwards, below zero while it owes. */
  readonly left: number[];
}

/**
 * Why a store did not answer in time; a short reason, never shown to clients. `LATE`: what becomes of the wants is told by
 * `booked`. `LOST`: they may have been taken, and nobody will ever know. Any other: nothing was taken.
 */
export type StoreFailure = string;
export const LATE: StoreFailure = 'timeout';
export const LOST: StoreFailure = 'lost';

export interface StoreSink {
  /** Called for every want exactly once, in one or more parts; `failure` undefined = `granted` and `left` are set. */
  settled(wants: readonly Want[], failure: StoreFailure | undefined): void;
  /** Called once for each want that was settled as `LATE`, with what became of it in the end; never `LATE`. */
  booked(wants: readonly Want[], failure: StoreFailure | undefined): void;
}

/** Milliseconds of the asking thread's monotonic clock. */
export type DeadlineMs = number;

/** `undefined` = it could not be decided in time. `full` = the client has no bucket, and there is no room for one. */
export type Taken = boolean | 'full' | undefined;

/** A store that knows at once: no batch, no lease, no memory of refusals is worth having in front of it. */
export interface DecidesAtOnce {
  /**
   * Takes the tokens of one request; all rules grant and are charged, or none is.
   * @param mayMake also where the store is full the client gets a bucket, in place of another's
   */
  takeNow(client: string, lane: Lane, mayMake?: boolean): Taken;
  /** Tokens left in each rule's bucket after the last decision. The same array every time. */
  readonly left: readonly number[];
}

export interface LimitStore {
  /** Set where decisions need no waiting. */
  readonly atOnce?: DecidesAtOnce;
  /** `false`: asking now is pointless, decide without the store. */
  readonly available: boolean;
  /** Not available, and not only because it is slow: nothing that is asked now will be answered soon. */
  readonly isGone: boolean;
  /** Takes tokens for all wants; each is settled by `deadlineMs` whatever happens. Never called with an empty list. */
  take(wants: readonly Want[], deadlineMs: DeadlineMs, sink: StoreSink): void;
  /** Ends connections and timers; wants in flight are settled as failed. */
  close(): void;
}
