import type { Tally } from './evidence.ts';

export type BreakerKind = 'CLOSED' | 'OPEN' | 'HALF_OPEN';

export type TransitionReason =
  | 'consecutive_failures'
  | 'error_rate'
  | 'slow_calls'
  /** It was open for one client's sake, and another has failed. */
  | 'second_client'
  | 'reset_timeout'
  /** Probes of its targets have found it well before that. */
  | 'health_probes'
  | 'probe_failed'
  | 'probes_succeeded'
  /** Somebody wrote the hash with redis-cli. */
  | 'by_hand'
  /** Somebody forced a state, or gave it back, through the admin API. */
  | 'operator'
  /** The time of a forced state is over. */
  | 'override_ended';

/** Something a node holds until a time: the permit of a probe, or a vote to open. */
export interface Hold {
  readonly id: string;
  readonly untilMs: number;
}

/** What a node saw, and until when that means anything. */
export interface HeldTally extends Hold {
  readonly tally: Tally;
}

/** What an operator can say of an upstream: let nothing pass, let everything pass, or let the breaker decide. */
export type ForcedState = 'OPEN' | 'CLOSED' | 'AUTO';

/**
 * While an operator's word holds nothing else moves the breaker; its kind is what was said. Under CLOSED nothing is
 * counted. When its time is over, or at AUTO, probes decide over what was OPEN, and what was CLOSED counts from 0.
 * Without Redis it is kept, or said, by each node for itself; when Redis is back a node says again what Redis has not
 * confirmed, and of all words over an upstream the one that was said last holds, AUTO included.
 */
export interface Forced {
  readonly sinceMs: number;
  readonly untilMs: number;
}

/**
 * The state of one upstream. Times are those of the authority that holds it (Redis TIME, or the process). An epoch
 * begins with every transition and never comes back: epochs are times in milliseconds, or one more than the last, so
 * that not even a `DEL` brings an old number again. 0 = never moved.
 */
export type BreakerState =
  | {
      readonly kind: 'CLOSED';
      readonly epoch: number;
      readonly failures: number;
      /** Nodes with a failure in the present run of failures. */
      readonly failedNodes: readonly string[];
      /** Nodes whose sliding window says open. */
      readonly votes: readonly Hold[];
      /** What nodes with traffic saw of late, by client; only while there are failures. */
      readonly tallies?: readonly HeldTally[] | undefined;
      readonly forced?: Forced | undefined;
    }
  | {
      readonly kind: 'OPEN';
      readonly epoch: number;
      readonly failures: number;
      readonly openedAtMs: number;
      readonly openUntilMs: number;
      readonly forced?: Forced | undefined;
      /** Openings since it was last closed. */
      readonly trips: number;
      /** Client that alone proved the opening: all others pass, and their successes close it. */
      readonly narrow?: string | undefined;
      /** Of others, while it is narrow. */
      readonly successes?: number | undefined;
    }
  | {
      readonly kind: 'HALF_OPEN';
      readonly epoch: number;
      readonly failures: number;
      readonly trips: number;
      readonly successes: number;
      readonly permits: readonly Hold[];
      /** As it was when it was OPEN. */
      readonly narrow?: string | undefined;
    };

export const FRESH: BreakerState = { kind: 'CLOSED', epoch: 0, failures: 0, failedNodes: [], votes: [] };

export interface Transition {
  readonly from: BreakerKind;
  readonly to: BreakerKind;
  readonly epoch: number;
  readonly reason: TransitionReason;
}

export type ProbeOutcome = 'success' | 'failure' | 'aborted';

/**
 * An operator's word, for `forMs` from when it was said (AUTO: ends the one there is). `saidMs` is a time of the process
 * clock of the node; its authority makes a time of its own of it. Absent: now.
 */
export interface ForceOp {
  readonly op: 'force';
  readonly state: ForcedState;
  readonly forMs: number;
  readonly saidMs?: number;
}

/** What can happen to a breaker. `epoch` is the one the sender believed in when the thing happened. */
export type BreakerOp =
  /** Only look: time alone may move it. */
  | { readonly op: 'look' }
  /** Failures of a CLOSED upstream since the last report; `success` = a success came before all of them. */
  | {
      readonly op: 'report';
      readonly epoch: number;
      readonly failures: number;
      readonly success: boolean;
      readonly trip: 'none' | 'error_rate' | 'slow_calls';
      /** Nodes of older versions do not say. */
      readonly tally?: Tally;
    }
  /** A node back from an outage remembers failures: the count is at least this, but memory alone opens nothing. */
  | { readonly op: 'remind'; readonly epoch: number; readonly failures: number }
  | { readonly op: 'ask'; readonly permit: string }
  | { readonly op: 'renew'; readonly epoch: number; readonly permit: string }
  | { readonly op: 'result'; readonly epoch: number; readonly permit: string; readonly outcome: ProbeOutcome }
  /** A request of `client` is over that passed an opening which `culprit` alone had proved. */
  | { readonly op: 'other'; readonly culprit: string; readonly client: string; readonly outcome: 'success' | 'failure' }
  /** Probes of its targets have found the upstream well since it opened. Older versions of the script pass it over. */
  | { readonly op: 'probed'; readonly epoch: number }
  | ForceOp
  /** Marks, for people and for DEL, that this node alone refuses; `renew` keeps a mark only where it still is. */
  | { readonly op: 'isolated'; readonly mark: 'set' | 'renew' | 'clear' };
