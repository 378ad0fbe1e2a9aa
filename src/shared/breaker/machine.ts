import { openForMs } from './rule.ts';
import type { BreakerRule } from './rule.ts';
import type { BreakerOp, BreakerState, Forced, ForceOp, Hold, Transition, TransitionReason } from './state.ts';

/** A vote of a sliding window counts this long. */
export const VOTE_MS = 10_000;
/** Redis's clock may differ this much between servers without being taken for a jump. */
const CLOCK_SLACK_MS = 1_000;

/** Everything a step may depend on besides state and event: time and chance come from outside. */
export interface StepContext {
  readonly rule: BreakerRule;
  readonly node: string;
  /** Nodes that live, this one included. */
  readonly liveNodes: number;
  readonly nowMs: number;
  /** In [0, 1). */
  readonly random: number;
}

export interface Step {
  readonly state: BreakerState;
  readonly transitions: readonly Transition[];
  /** Answer to an `ask`. */
  readonly granted: boolean;
}

const unmoved = (state: BreakerState): Step => ({ state, transitions: [], granted: false });

/**
 * The breaker: what `op` at `ctx.nowMs` makes of `state`. Pure. `sync-1.lua` is the same machine for the truth in
 * Redis; a test holds the two against each other.
 */
export function step(state: BreakerState, op: BreakerOp, ctx: StepContext): Step {
  const settled = settle(state, ctx);
  const next = apply(settled.state, op, ctx);
  return { ...next, transitions: [...settled.transitions, ...next.transitions] };
}

/** What time alone does: an opening ends, a permit or vote lapses, a clock that jumped back is put right. */
function settle(state: BreakerState, ctx: StepContext): Step {
  const { nowMs, rule } = ctx;
  if (isForced(state)) return settleForced(state, ctx);
  switch (state.kind) {
    case 'CLOSED':
      return unmoved({ ...state, votes: alive(state.votes, nowMs, VOTE_MS) });
    case 'HALF_OPEN': {
      // A reload may have lowered the number: without this nobody could take the probe that closes it.
      if (state.successes >= rule.halfOpenSuccesses) return close(state, ctx);
      return unmoved({ ...state, permits: alive(state.permits, nowMs, rule.permitMs) });
    }
    case 'OPEN': {
      const back = state.openedAtMs - nowMs;
      // The clock went back while it was open: keep the length, or it would stay open until the old time returns.
      const open =
        back > CLOCK_SLACK_MS ? { ...state, openedAtMs: nowMs, openUntilMs: state.openUntilMs - back } : state;
      if (nowMs < open.openUntilMs) return unmoved(open);
      return move(open, { kind: 'HALF_OPEN', reason: 'reset_timeout', trips: open.trips }, ctx);
    }
    default:
      return state satisfies never;
  }
}

type ForcedState = Exclude<BreakerState, { kind: 'HALF_OPEN' }> & { readonly forced: Forced };

const isForced = (state: BreakerState): state is ForcedState =>
  state.kind !== 'HALF_OPEN' && state.forced !== undefined;

function settleForced(state: ForcedState, ctx: StepContext): Step {
  const { nowMs } = ctx;
  const { sinceMs, untilMs } = state.forced;
  const back = sinceMs - nowMs;
  const forced = back > CLOCK_SLACK_MS ? { sinceMs: nowMs, untilMs: untilMs - back } : state.forced;
  if (nowMs >= forced.untilMs) return release(state, 'override_ended', ctx);
  return unmoved(
    state.kind === 'CLOSED'
      ? { ...state, forced }
      : { ...state, forced, openedAtMs: forced.sinceMs, openUntilMs: forced.untilMs },
  );
}

/** The machine goes on from what was forced: probes decide over OPEN, CLOSED begins to count at 0. */
const release = (state: ForcedState, reason: TransitionReason, ctx: StepContext): Step =>
  state.kind === 'OPEN'
    ? move(state, { kind: 'HALF_OPEN', reason, trips: state.trips }, ctx)
    : move(state, { kind: 'CLOSED', reason, trips: 0 }, ctx);

/** Which of two words is the newer one is for the truth to say (`sync-1.lua`): here those of one node come in order. */
function force(state: BreakerState, op: ForceOp, ctx: StepContext): Step {
  if (op.state === 'AUTO') return isForced(state) ? release(state, 'operator', ctx) : unmoved(state);
  const trips = op.state === 'CLOSED' ? 0 : Math.max(1, state.kind === 'CLOSED' ? 0 : state.trips);
  const sinceMs = Math.min(op.saidMs ?? ctx.nowMs, ctx.nowMs);
  const forced = { sinceMs, untilMs: sinceMs + op.forMs };
  if (ctx.nowMs >= forced.untilMs) return isForced(state) ? release(state, 'override_ended', ctx) : unmoved(state);
  return move(state, { kind: op.state, reason: 'operator', trips, forced }, ctx);
}

function apply(state: BreakerState, op: BreakerOp, ctx: StepContext): Step {
  switch (op.op) {
    case 'look':
    case 'isolated':
      return unmoved(state);
    case 'report':
      return report(state, op, ctx);
    case 'remind': {
      if (state.kind !== 'CLOSED' || isForced(state) || !speaksOf(state, op.epoch)) return unmoved(state);
      const failures = Math.max(state.failures, Math.min(op.failures, ctx.rule.failureThreshold - 1));
      return unmoved({ ...state, failures, failedNodes: failures > 0 ? withNode(state.failedNodes, ctx.node) : [] });
    }
    case 'ask': {
      if (state.kind !== 'HALF_OPEN' || !hasRoom(state, ctx)) return unmoved(state);
      return { ...unmoved(withPermit(state, op.permit, ctx)), granted: true };
    }
    case 'renew': {
      if (state.kind !== 'HALF_OPEN' || op.epoch !== state.epoch) return unmoved(state);
      const held = state.permits.some((permit) => permit.id === op.permit);
      // Lapsed because the clock jumped: the probe is still out there, so it takes its place again if there is one.
      return unmoved(held || hasRoom(state, ctx) ? withPermit(state, op.permit, ctx) : state);
    }
    case 'result':
      return result(state, op, ctx);
    case 'force':
      return force(state, op, ctx);
    default:
      return op satisfies never;
  }
}

function report(state: BreakerState, op: Extract<BreakerOp, { op: 'report' }>, ctx: StepContext): Step {
  if (state.kind !== 'CLOSED' || isForced(state) || !speaksOf(state, op.epoch)) return unmoved(state);
  const failures = (op.success ? 0 : state.failures) + op.failures;
  const before = op.success ? [] : state.failedNodes;
  const failedNodes = op.failures > 0 ? withNode(before, ctx.node) : before;
  const votes =
    op.trip === 'none'
      ? state.votes
      : [...state.votes.filter((vote) => vote.id !== ctx.node), { id: ctx.node, untilMs: ctx.nowMs + VOTE_MS }];
  const counted: BreakerState = { ...state, failures, failedNodes, votes };
  const quorum = Math.max(1, Math.min(ctx.rule.minNodes, ctx.liveNodes));
  if (op.trip !== 'none' && votes.length >= quorum)
    return move(counted, { kind: 'OPEN', reason: op.trip, trips: 1 }, ctx);
  if (failures < ctx.rule.failureThreshold || failedNodes.length < quorum) return unmoved(counted);
  return move(counted, { kind: 'OPEN', reason: 'consecutive_failures', trips: 1 }, ctx);
}

function result(state: BreakerState, op: Extract<BreakerOp, { op: 'result' }>, ctx: StepContext): Step {
  if (state.kind !== 'HALF_OPEN' || op.epoch !== state.epoch) return unmoved(state);
  const permits = state.permits.filter((permit) => permit.id !== op.permit);
  // Only who holds a permit is heard: one that lapsed may have been given to another probe.
  if (permits.length === state.permits.length) return unmoved(state);
  if (op.outcome === 'aborted') return unmoved({ ...state, permits });
  if (op.outcome === 'failure')
    return move(state, { kind: 'OPEN', reason: 'probe_failed', trips: state.trips + 1 }, ctx);
  const successes = state.successes + 1;
  if (successes < ctx.rule.halfOpenSuccesses) return unmoved({ ...state, permits, successes });
  return close(state, ctx);
}

const close = (state: BreakerState, ctx: StepContext): Step =>
  move(state, { kind: 'CLOSED', reason: 'probes_succeeded', trips: 0 }, ctx);

interface Target {
  readonly kind: BreakerState['kind'];
  readonly reason: TransitionReason;
  readonly trips: number;
  readonly forced?: Forced;
}

function move(state: BreakerState, to: Target, ctx: StepContext): Step {
  const epoch = Math.max(state.epoch + 1, ctx.nowMs);
  const transitions = [{ from: state.kind, to: to.kind, epoch, reason: to.reason }];
  const { failures } = state;
  const { trips, forced } = to;
  switch (to.kind) {
    case 'CLOSED':
      return { ...unmoved({ kind: 'CLOSED', epoch, failures: 0, failedNodes: [], votes: [], forced }), transitions };
    case 'HALF_OPEN':
      return { ...unmoved({ kind: 'HALF_OPEN', epoch, failures, trips, successes: 0, permits: [] }), transitions };
    case 'OPEN': {
      const openUntilMs = forced?.untilMs ?? ctx.nowMs + openForMs(ctx.rule, trips, ctx.random);
      const open: BreakerState = { kind: 'OPEN', epoch, failures, openedAtMs: ctx.nowMs, openUntilMs, trips, forced };
      return { ...unmoved(open), transitions };
    }
    default:
      return to.kind satisfies never;
  }
}

/** Nothing stored (epoch 0: fresh, or deleted by hand) takes counts from anyone; a count never brings a state back. */
const speaksOf = (state: BreakerState, epoch: number): boolean => state.epoch === 0 || state.epoch === epoch;

const withNode = (nodes: readonly string[], node: string): readonly string[] =>
  nodes.includes(node) ? nodes : [...nodes, node];

type HalfOpen = Extract<BreakerState, { kind: 'HALF_OPEN' }>;

const hasRoom = (state: HalfOpen, ctx: StepContext): boolean =>
  state.permits.length < ctx.rule.halfOpenSuccesses - state.successes;

const withPermit = (state: HalfOpen, id: string, ctx: StepContext): HalfOpen => ({
  ...state,
  permits: [...state.permits.filter((permit) => permit.id !== id), { id, untilMs: ctx.nowMs + ctx.rule.permitMs }],
});

/** Drops what lapsed; what would last longer than it can was set before the clock went back, and is cut. */
const alive = (holds: readonly Hold[], nowMs: number, longestMs: number): readonly Hold[] =>
  holds
    .filter((hold) => hold.untilMs > nowMs)
    .map((hold) => (hold.untilMs > nowMs + longestMs ? { ...hold, untilMs: nowMs + longestMs } : hold));
