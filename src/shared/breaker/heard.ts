import type { Tally } from './evidence.ts';
import type { BreakerRule, BreakerWindow } from './rule.ts';
import type { BreakerOp, HeldTally, Hold } from './state.ts';

/** Everything a step may depend on besides state and event: time and chance come from outside. */
export interface StepContext {
  readonly rule: BreakerRule;
  readonly window?: BreakerWindow | undefined;
  readonly node: string;
  /** Nodes that live, this one included. */
  readonly liveNodes: number;
  readonly nowMs: number;
  /** In [0, 1). */
  readonly random: number;
}

/** A vote of a sliding window counts this long. */
export const VOTE_MS = 10_000;

export type ReportOp = Extract<BreakerOp, { op: 'report' }>;

/** A node tells what its own traffic says; where all tallies are known they decide. */
export function tripOf(op: ReportOp, overRate: boolean): ReportOp['trip'] {
  if (op.tally === undefined || op.trip === 'slow_calls') return op.trip;
  return overRate && (op.failures > 0 || op.trip === 'error_rate') ? 'error_rate' : 'none';
}

/** The time a tally, and a success of somebody else, means something. */
export const windowMs = (ctx: StepContext): number => ctx.window?.windowMs ?? VOTE_MS;

export const withTally = (
  held: readonly HeldTally[] = [],
  tally: Tally | undefined,
  ctx: StepContext,
): readonly HeldTally[] =>
  tally === undefined
    ? held
    : [...held.filter(({ id }) => id !== ctx.node), { id: ctx.node, untilMs: ctx.nowMs + windowMs(ctx), tally }];

/** Drops what lapsed; what would last longer than it can was set before the clock went back, and is cut. */
export const alive = <H extends Hold>(holds: readonly H[], nowMs: number, longestMs: number): readonly H[] =>
  holds
    .filter((hold) => hold.untilMs > nowMs)
    .map((hold) => (hold.untilMs > nowMs + longestMs ? { ...hold, untilMs: nowMs + longestMs } : hold));
