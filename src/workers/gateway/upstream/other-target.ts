import { distanceOf } from '../../../shared/targets/rendezvous.ts';
import type { TargetEjection } from './target-ejection.ts';
import type { UpstreamHealth } from './upstream-health.ts';

/** What there is to choose from. */
export interface Candidates<Each> {
  readonly targets: readonly Each[];
  readonly health: UpstreamHealth | undefined;
  /** Of all full weights. */
  readonly total: number;
  /** Of what keeps requests on one target; undefined: nothing does. */
  readonly key: number | undefined;
  readonly nowMs: number;
  /** A number in [0, 1). */
  readonly random: () => number;
}

/** A target, as far as a request that others have failed concerns it. */
export interface OtherTarget {
  readonly healthRow: number;
  readonly weight: number;
  readonly fullWeight: number;
  readonly pending: number;
  readonly skipUntilMs: number;
  readonly hash: number;
  readonly ejection: TargetEjection | undefined;
}

/**
 * For a request that some targets have failed: of the others the nearest to its key, else the least loaded. Never one that
 * is ejected or down, unless so few are left that all are used.
 */
export function otherTarget<Each extends OtherTarget>(
  from: Candidates<Each>,
  tried: readonly OtherTarget[],
): Each | undefined {
  const { targets, health, nowMs } = from;
  let left = 0;
  for (const target of targets) if (isLeft(target, health, nowMs)) left += target.fullWeight;
  const usesAll = left * 2 < from.total;
  let best: Each | undefined;
  let bestAt = Number.POSITIVE_INFINITY;
  for (const target of targets) {
    if (target.weight === 0 || tried.includes(target)) continue;
    if (!usesAll && !isLeft(target, health, nowMs)) continue;
    const at = rankOf(target, from);
    if (at >= bestAt) continue;
    best = target;
    bestAt = at;
  }
  return best;
}

const isLeft = (target: OtherTarget, health: UpstreamHealth | undefined, nowMs: number): boolean =>
  target.ejection?.leavesOut !== true &&
  !(health !== undefined && health.hasDown && target.healthRow !== 0 && health.isOut(target.healthRow, nowMs));

/** More than any other, with which it is still in order. */
const REFUSES = 1e9;

function rankOf(target: OtherTarget, { key, nowMs, random }: Candidates<unknown>): number {
  const rank =
    key === undefined
      ? (target.pending + 1 + random() / 2) / target.weight
      : distanceOf(key, target.hash, target.weight);
  return target.skipUntilMs > nowMs ? rank + REFUSES : rank;
}
