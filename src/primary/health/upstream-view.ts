import type { ProbedTarget } from './health-book.ts';
import type { DrainView } from '../upstreams/target-drains.ts';
import type { EjectionView } from './shared-verdicts.ts';

/** How an upstream stands with its targets on this node. */
export interface UpstreamHealthView {
  readonly upstream: string;
  readonly targets: number;
  /** That probes find well, and that are not ejected. */
  readonly up: number;
  /** That this node leaves out, or would. */
  readonly out: number;
  /** Those of them that are ejected. */
  readonly ejected: number;
  /** Less than half of the weight is left, so all are used. */
  readonly panic: boolean;
}

/** One target, as far as it counts for that. */
export interface TargetView {
  readonly key: string;
  readonly upstream: string;
  readonly target: string;
  readonly weight: number;
  /** An operator has drained it: its weight is as good as 0. */
  readonly drain: DrainView | undefined;
  /** `undefined`: it is not probed. */
  readonly probed: ProbedTarget | undefined;
  /** `undefined`: it is not ejected. In shadow mode it never is. */
  readonly ejection: EjectionView | undefined;
  readonly succeededAgoMs: number | undefined;
}

/** New ones, as far as weights and operators go. */
export const getsRequests = ({ weight, drain }: Pick<TargetView, 'weight' | 'drain'>): boolean =>
  weight > 0 && drain === undefined;

export const isUp = ({ probed, ejection }: TargetView): boolean =>
  ejection === undefined && (probed?.verdict?.verdict ?? 'up') === 'up';

/**
 * Whether this node leaves the target out: it says itself that it is not well, or no prober gets an answer and no request
 * of this node has had a good one within the interval. Request threads judge alike (upstream-health.ts there).
 */
export function isOut({ verdict, health }: ProbedTarget, succeededAgoMs: number | undefined): boolean {
  const now = verdict?.verdict ?? 'up';
  if (now !== 'silent') return now === 'wrong';
  return succeededAgoMs === undefined || succeededAgoMs >= health.intervalMs;
}

const weightOf = (targets: readonly TargetView[]): number => targets.reduce((sum, { weight }) => sum + weight, 0);

export function upstreamView(upstream: string, targets: readonly TargetView[]): UpstreamHealthView {
  // What gets no new requests anyway is none of those that are left or missing.
  const all = targets.filter((target) => getsRequests(target));
  const down = all.filter(({ probed, succeededAgoMs }) => probed !== undefined && isOut(probed, succeededAgoMs));
  const ejected = all.filter((target) => target.ejection !== undefined && !down.includes(target));
  const out = down.length + ejected.length;
  const up = all.filter(isUp).length;
  const lost = weightOf(down) + weightOf(ejected);
  const panic = out > 0 && (weightOf(all) - lost) * 2 < weightOf(all);
  return { upstream, targets: all.length, up, out, ejected: ejected.length, panic };
}

/** For the verdict over the node; '' = nothing is wrong. */
export function reasonOf({ upstream, targets, up, out, ejected, panic }: UpstreamHealthView): string {
  const fail = ejected === 0 ? 'fail the probes' : 'fail the probes or are ejected';
  if (up === 0)
    return `upstream ${upstream} has no healthy target (${targets === 1 ? 'its only one' : `all ${targets}`} ${fail})${panic ? ': all are used' : ''}`;
  return panic
    ? `upstream ${upstream} has only ${targets - out} of ${targets} targets that are healthy: all are used`
    : '';
}
