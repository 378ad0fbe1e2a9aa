import type { BreakerRule } from '../../shared/breaker/rule.ts';
import type { BreakerKind, BreakerOp } from '../../shared/breaker/state.ts';
import type { BreakerSnapshot } from '../../shared/breaker/sync.ts';

/** Told the cluster at this time and epoch what this node remembers of an outage; an objection may come. */
interface Reminder {
  readonly epoch: number;
  readonly atMs: number;
}

/**
 * Who decides over an upstream on this node: the cluster (Redis); the node, because Redis is gone or not configured; or
 * the node although Redis is there (isolated), because only this one has reason to refuse.
 */
export type Standing =
  | { readonly kind: 'cluster' }
  | { readonly kind: 'node' }
  | {
      readonly kind: 'isolated';
      /** The truth carries our mark of isolation; when it is gone somebody has reset the hash. */
      readonly marked: boolean;
      readonly reminded: Reminder | undefined;
    };

/** Where a node stands now, and what the cluster is told of it. */
export interface Move {
  readonly standing: Standing;
  readonly say: readonly BreakerOp[];
}

/** What there is to go by when the cluster has answered. */
export interface Heard {
  readonly truth: BreakerSnapshot;
  /** What this node came to by itself. */
  readonly local: { readonly kind: BreakerKind; readonly openedHere: boolean };
  /** A thread of this node opened it, on failures that the node has seen itself. */
  readonly ownEvidence: boolean;
  readonly rule: Pick<BreakerRule, 'failureThreshold' | 'minNodes'>;
  /** Process clock. */
  readonly nowMs: number;
}

/** How long a reminder waits for somebody to contradict it. */
export const OBJECTION_MS = 900;

const CLUSTER: Standing = { kind: 'cluster' };
export const ALONE: Standing = { kind: 'node' };

const SET_MARK: BreakerOp = { op: 'isolated', mark: 'set' };
const CLEAR_MARK: BreakerOp = { op: 'isolated', mark: 'clear' };

/** Redis does not answer: the node goes on from what is known. A mark in Redis ends by itself. */
export const onLost = (): Standing => ALONE;

/** The cluster has answered. */
export function onHeard(standing: Standing, heard: Heard): Move {
  switch (standing.kind) {
    case 'cluster':
      return refusesAlone(heard) ? onIsolated() : { standing, say: [] };
    case 'node':
      return onRejoined(heard);
    case 'isolated':
      return onHeardIsolated(standing, heard);
    default:
      return standing satisfies never;
  }
}

/** The quorum is not there, but this node's own failures are: it refuses alone. */
export const onIsolated = (): Move => ({
  standing: { kind: 'isolated', marked: false, reminded: undefined },
  say: [SET_MARK],
});

/** This node has no reason any more to refuse alone. */
export const onReunited = (): Move => ({ standing: CLUSTER, say: [CLEAR_MARK] });

/**
 * Redis is back, and has been told again what operators of this node said that it had not confirmed (the newest word
 * wins, in the script). The truth is then taken over as it is, with one exception: this node opened (or reopened) the
 * breaker by itself during the outage and the cluster knows nothing of it. It then keeps refusing alone, reminds the
 * cluster of the failures it saw (one below the threshold: memory alone must not open it for nodes that see it well),
 * and the next fresh failure anywhere opens it for all, while a success anywhere clears the memory. An opening that came
 * from the cluster is no evidence: if the truth no longer has it (closed by others, by hand, lost in a restart) it ends.
 * Nor is what an operator forced on this node alone, and where the truth is forced it is obeyed.
 */
export function onRejoined({ truth, local, rule, nowMs }: Heard): Move {
  const closed = truth.kind === 'CLOSED' && truth.forced === undefined;
  if (!closed || local.kind === 'CLOSED' || !local.openedHere) return { standing: CLUSTER, say: [] };
  const move = onIsolated();
  if (local.kind !== 'OPEN') return move; // its opening has run out: too old to tell others
  const { epoch } = truth;
  return {
    standing: { kind: 'isolated', marked: false, reminded: { epoch, atMs: nowMs } },
    say: [...move.say, { op: 'remind', epoch, failures: rule.failureThreshold - 1 }],
  };
}

/** While this node refuses alone, the cluster may come to the same view, or somebody may reset it. */
function onHeardIsolated(standing: Extract<Standing, { kind: 'isolated' }>, heard: Heard): Move {
  const { truth, nowMs } = heard;
  const reset = standing.marked && !truth.isolated;
  if (truth.kind !== 'CLOSED' || truth.forced !== undefined || reset) return onReunited();
  const { reminded } = standing;
  const waits = reminded === undefined || nowMs - reminded.atMs < OBJECTION_MS;
  if (waits) return { standing: { ...standing, marked: truth.isolated }, say: [] };
  return {
    standing: { kind: 'isolated', marked: truth.isolated, reminded: undefined },
    say: isUncontradicted(heard, reminded)
      ? [{ op: 'report', epoch: truth.epoch, failures: 1, success: false, trip: 'none' }]
      : [],
  };
}

/** Nobody has contradicted the reminder: neither a success (the count would be lower) nor a transition since. */
function isUncontradicted({ truth, rule }: Heard, reminded: Reminder): boolean {
  const { failureThreshold: threshold } = rule;
  return truth.epoch === reminded.epoch && threshold > 1 && truth.failures >= threshold - 1;
}

/** The cluster answers an opening with CLOSED for want of a quorum, but this node's own failures are evidence enough. */
const refusesAlone = ({ truth, rule, ownEvidence }: Heard): boolean =>
  ownEvidence && truth.kind === 'CLOSED' && truth.forced === undefined && rule.minNodes > 1;
