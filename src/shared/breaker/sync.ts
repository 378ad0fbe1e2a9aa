import { calmIn, weigh } from './evidence.ts';
import type { BreakerRule, BreakerWindow } from './rule.ts';
import type { BreakerKind, BreakerOp, BreakerState, ForcedState } from './state.ts';

/**
 * What the front and the authority over the states say to each other, many upstreams at a time. The authority is the
 * script in Redis (all nodes) or the machine in this process (Redis gone, not configured, or one node on its own).
 */
export interface SyncRequest {
  readonly node: string;
  readonly liveNodes: number;
  /** After this (authority's time) nothing of it may be done: nobody waits for the answer. */
  readonly validUntilMs?: number;
  readonly upstreams: readonly SyncUpstream[];
}

export interface SyncUpstream {
  readonly name: string;
  readonly rule: BreakerRule;
  /** Absent: only failures in a row open it. */
  readonly window?: BreakerWindow | undefined;
  /** Chance for the jitter, in [0, 1). */
  readonly random: number;
  readonly ops: readonly BreakerOp[];
}

/** A state an operator has forced, and how much longer. */
export interface ForcedFor {
  readonly state: Exclude<ForcedState, 'AUTO'>;
  readonly forMs: number;
}

/** The state after the ops, without times of the authority's clock: only lengths cross. */
export interface BreakerSnapshot {
  readonly kind: BreakerKind;
  readonly epoch: number;
  readonly failures: number;
  /** Milliseconds it stays open from now; 0 unless OPEN. */
  readonly openForMs: number;
  readonly successes: number;
  readonly trips: number;
  /** Whether the truth carries the mark that this node refuses on its own. */
  readonly isolated: boolean;
  readonly reason: string;
  /** Its state is `kind`. */
  readonly forced: ForcedFor | undefined;
  /** Client that alone proved the opening; '' = several did. */
  readonly narrow: string;
  /** Clients that other nodes have lately seen served well, and nobody failing. */
  readonly calm: number;
  /** Permits of this request that were granted. */
  readonly granted: readonly string[];
}

/** One snapshot for each upstream of the request, in its order. */
export type SyncReply = readonly BreakerSnapshot[];

/**
 * What the rest of the node is told of a state, without what only belongs to one request.
 * @param node whose own tally is no news to it
 */
export function snapshotOf(state: BreakerState, nowMs: number, node = ''): BreakerSnapshot {
  return {
    kind: state.kind,
    epoch: state.epoch,
    failures: state.failures,
    openForMs: state.kind === 'OPEN' ? Math.max(0, state.openUntilMs - nowMs) : 0,
    successes: state.kind === 'CLOSED' ? 0 : (state.successes ?? 0),
    trips: state.kind === 'CLOSED' ? 0 : state.trips,
    isolated: false,
    reason: '',
    forced: forcedIn(state, nowMs),
    narrow: state.kind === 'CLOSED' ? '' : (state.narrow ?? ''),
    calm: calmElsewhere(state, node),
    granted: [],
  };
}

const forcedIn = (state: BreakerState, nowMs: number): ForcedFor | undefined =>
  state.kind === 'HALF_OPEN' || state.forced === undefined
    ? undefined
    : { state: state.kind, forMs: Math.max(0, state.forced.untilMs - nowMs) };

function calmElsewhere(state: BreakerState, node: string): number {
  if (state.kind !== 'CLOSED' || state.tallies === undefined) return 0;
  return calmIn(weigh(state.tallies.filter(({ id }) => id !== node).map(({ tally }) => tally)));
}
