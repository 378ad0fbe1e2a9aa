import type { ProbeOutcome } from './state.ts';

/** What a request thread needs of the breaker at its start; goes into workerData. */
export interface BreakerThreadStart {
  readonly memory: SharedArrayBuffer;
  /** Place of each upstream by name; stable over reloads. New ones come with a new configuration. */
  readonly places: BreakerPlaces;
}

/** A map, as upstreams may have names such as `constructor`, which every object has. */
export type BreakerPlaces = ReadonlyMap<string, number>;

export type FromBreakerThread =
  /** There is something in shared memory to look at; at most one is under way. */
  | { readonly type: 'breaker-attention' }
  /** A request waits for a permit. `id` is unique in the thread. */
  | { readonly type: 'breaker-ask'; readonly place: number; readonly id: number; readonly client: string }
  /** A request of somebody who is not `culprit` is over: it passed an opening that `culprit` alone had proved. */
  | {
      readonly type: 'breaker-other';
      readonly place: number;
      /** WORD when it was let pass. */
      readonly token: number;
      readonly culprit: string;
      readonly client: string;
      readonly outcome: 'success' | 'failure';
    }
  /** A probe is over; also sent for a permit that came too late to be used. */
  | { readonly type: 'breaker-result'; readonly id: number; readonly outcome: ProbeOutcome };

export type ToBreakerThread = { readonly type: 'breaker-answer'; readonly id: number; readonly granted: boolean };
