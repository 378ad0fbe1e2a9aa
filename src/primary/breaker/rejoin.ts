import type { BreakerKind } from '../../shared/breaker/state.ts';
import type { BreakerSnapshot } from '../../shared/breaker/sync.ts';
import type { BatchItem } from './batch.ts';

/**
 * Redis is back, and has been told again what operators of this node said that it had not confirmed (the newest word
 * wins, in the script). The truth is then taken over as it is, with one exception: this process opened (or reopened) the breaker
 * by itself during the outage and the cluster knows nothing of it. It then keeps refusing alone, reminds the cluster
 * of the failures it saw (one below the threshold: memory alone must not open it for nodes that see it well), and the
 * next fresh failure anywhere opens it for all, while a success anywhere clears the memory. An opening that came from
 * the cluster is no evidence: if the truth no longer has it (closed by others, by hand, lost in a restart) it ends. Nor
 * is what an operator forced on this node alone, and where the truth is forced it is obeyed.
 */
export const staysIsolated = (
  truth: BreakerSnapshot,
  local: { readonly kind: BreakerKind; readonly openedHere: boolean },
): boolean => truth.kind === 'CLOSED' && truth.forced === undefined && local.kind !== 'CLOSED' && local.openedHere;

/** Nobody has contradicted the reminder: neither a success (the count would be lower) nor a transition since. */
export const isUncontradicted = (
  truth: BreakerSnapshot,
  reminded: { readonly epoch: number },
  threshold: number,
): boolean =>
  truth.kind === 'CLOSED' && truth.epoch === reminded.epoch && threshold > 1 && truth.failures >= threshold - 1;

/** The cluster answers an opening with CLOSED for want of a quorum, but this node's own failures are evidence enough. */
export const refusesAlone = ({ cell, opened }: BatchItem, truth: BreakerSnapshot): boolean =>
  opened &&
  truth.kind === 'CLOSED' &&
  truth.forced === undefined &&
  cell.upstream.rule.minNodes > 1 &&
  cell.row.openedOnOwnEvidence();
