import type { ProbedTarget } from './health-book.ts';

/** How an upstream stands with its targets on this node. */
export interface UpstreamHealthView {
  readonly upstream: string;
  readonly targets: number;
  /** That probes find well. */
  readonly up: number;
  /** That this node leaves out, or would. */
  readonly out: number;
  /** Fewer than half are left, so all are used. */
  readonly panic: boolean;
}

/**
 * Whether this node leaves the target out: it says itself that it is not well, or no prober gets an answer and no request
 * of this node has had a good one within the interval. Request threads judge alike (upstream-health.ts there).
 */
export function isOut({ verdict, health }: ProbedTarget, succeededAgoMs: number | undefined): boolean {
  const now = verdict?.verdict ?? 'up';
  if (now !== 'silent') return now === 'wrong';
  return succeededAgoMs === undefined || succeededAgoMs >= health.intervalMs;
}

export function upstreamView(
  upstream: string,
  targets: readonly ProbedTarget[],
  succeededAgoMs: (key: string) => number | undefined,
): UpstreamHealthView {
  const out = targets.filter((target) => isOut(target, succeededAgoMs(target.key))).length;
  const up = targets.filter(({ verdict }) => (verdict?.verdict ?? 'up') === 'up').length;
  return { upstream, targets: targets.length, up, out, panic: out > 0 && (targets.length - out) * 2 < targets.length };
}

/** For the verdict over the node; '' = nothing is wrong. */
export function reasonOf({ upstream, targets, up, out, panic }: UpstreamHealthView): string {
  if (up === 0)
    return `upstream ${upstream} has no healthy target (${targets === 1 ? 'its only one' : `all ${targets}`} fail the probes)${panic ? ': all are used' : ''}`;
  return panic
    ? `upstream ${upstream} has only ${targets - out} of ${targets} targets that are healthy: all are used`
    : '';
}
