import { calmIn, isOverRate, soleCulprit, weigh } from './evidence.ts';
import { alive, tripOf, VOTE_MS, windowMs, withTally } from './heard.ts';
import type { ReportOp, StepContext } from './heard.ts';
import { clientOf, hasRoom } from './permit-room.ts';
import { openForMs } from './rule.ts';
import type { BreakerOp, BreakerState, Forced, ForceOp, Transition, TransitionReason } from './state.ts';

/** Redis's clock may differ this much between servers without being taken for a jump. */
const CLOCK_SLACK_MS = 1_000;

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
      return unmoved({
        ...state,
        votes: alive(state.votes, nowMs, VOTE_MS),
        tallies: state.tallies && alive(state.tallies, nowMs, windowMs(ctx)),
      });
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
      return endOpening(open, 'reset_timeout', ctx);
    }
    default:
      return state satisfies never;
  }
}

/** Requests are to prove whether it is well. */
function endOpening(open: Extract<BreakerState, { kind: 'OPEN' }>, reason: TransitionReason, ctx: StepContext): Step {
  const { trips, narrow, successes } = open;
  return move(open, { kind: 'HALF_OPEN', reason, trips, narrow, successes }, ctx);
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
      if (state.kind !== 'HALF_OPEN' || !hasRoom(state, op.permit, ctx.rule)) return unmoved(state);
      return { ...unmoved(withPermit(state, op.permit, ctx)), granted: true };
    }
    case 'renew': {
      if (state.kind !== 'HALF_OPEN' || op.epoch !== state.epoch) return unmoved(state);
      const held = state.permits.some((permit) => permit.id === op.permit);
      // Lapsed because the clock jumped: the probe is still out there, so it takes its place again if there is one.
      return unmoved(held || hasRoom(state, op.permit, ctx.rule) ? withPermit(state, op.permit, ctx) : state);
    }
    case 'result':
      return result(state, op, ctx);
    case 'other':
      return other(state, op, ctx);
    case 'probed': {
      if (state.kind !== 'OPEN' || isForced(state) || op.epoch !== state.epoch) return unmoved(state);
      return endOpening(state, 'health_probes', ctx);
    }
    case 'force':
      return force(state, op, ctx);
    default:
      return op satisfies never;
  }
}

function report(state: BreakerState, op: ReportOp, ctx: StepContext): Step {
  if (state.kind !== 'CLOSED' || isForced(state) || !speaksOf(state, op.epoch)) return unmoved(state);
  const failures = (op.success ? 0 : state.failures) + op.failures;
  const before = op.success ? [] : state.failedNodes;
  const failedNodes = op.failures > 0 ? withNode(before, ctx.node) : before;
  const tallies = withTally(state.tallies, op.tally, ctx);
  const evidence = weigh(tallies.map(({ tally }) => tally));
  const trip = tripOf(op, isOverRate(evidence, ctx.window));
  const votes =
    trip === 'none'
      ? state.votes
      : [...state.votes.filter((vote) => vote.id !== ctx.node), { id: ctx.node, untilMs: ctx.nowMs + VOTE_MS }];
  const counted: BreakerState = { ...state, failures, failedNodes, votes, tallies };
  const quorum = Math.max(1, Math.min(ctx.rule.minNodes, ctx.liveNodes));
  const narrow = op.tally && soleCulprit(evidence);
  if (trip !== 'none' && votes.length >= quorum) {
    const kept = trip === 'slow_calls' ? undefined : narrow; // all wait for what is slow
    return move(counted, { kind: 'OPEN', reason: trip, trips: 1, narrow: kept }, ctx);
  }
  const enough = failures >= ctx.rule.failureThreshold && failedNodes.length >= quorum;
  // Somebody who fails nowhere is served well: then failures in a row are those of a few.
  if (!enough || calmIn(evidence) > 0) return unmoved(counted);
  return move(counted, { kind: 'OPEN', reason: 'consecutive_failures', trips: 1, narrow }, ctx);
}

/** Somebody has passed who did not cause the opening: enough successes close it, a failure opens it for all. */
function other(state: BreakerState, op: Extract<BreakerOp, { op: 'other' }>, ctx: StepContext): Step {
  if (state.kind === 'CLOSED' || isForced(state)) return unmoved(state);
  if (state.narrow === undefined || state.narrow !== op.culprit || op.client === op.culprit) return unmoved(state);
  if (op.outcome === 'failure') return move(state, { kind: 'OPEN', reason: 'second_client', trips: state.trips }, ctx);
  const successes = (state.successes ?? 0) + 1;
  if (successes >= ctx.rule.halfOpenSuccesses) return close(state, ctx);
  if (state.kind === 'HALF_OPEN') return unmoved({ ...state, successes });
  // While others ask, who caused it gets no probe.
  const openUntilMs = Math.max(state.openUntilMs, ctx.nowMs + ctx.rule.resetTimeoutMs);
  return unmoved({ ...state, successes, openUntilMs });
}

function result(state: BreakerState, op: Extract<BreakerOp, { op: 'result' }>, ctx: StepContext): Step {
  if (state.kind !== 'HALF_OPEN' || op.epoch !== state.epoch) return unmoved(state);
  const permits = state.permits.filter((permit) => permit.id !== op.permit);
  // Only who holds a permit is heard: one that lapsed may have been given to another probe.
  if (permits.length === state.permits.length) return unmoved(state);
  if (op.outcome === 'aborted') return unmoved({ ...state, permits });
  if (op.outcome === 'failure') {
    // One client's probe proves no more than its own requests do, whatever opened it before.
    return move(
      state,
      { kind: 'OPEN', reason: 'probe_failed', trips: state.trips + 1, narrow: clientOf(op.permit) },
      ctx,
    );
  }
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
  readonly narrow?: string | undefined;
  /** Of others, that count on when an opening which is narrow ends. */
  readonly successes?: number | undefined;
}

function move(state: BreakerState, to: Target, ctx: StepContext): Step {
  const epoch = Math.max(state.epoch + 1, ctx.nowMs);
  const transitions = [{ from: state.kind, to: to.kind, epoch, reason: to.reason }];
  const { failures } = state;
  const { trips, forced, narrow, successes = 0 } = to;
  switch (to.kind) {
    case 'CLOSED':
      return { ...unmoved({ kind: 'CLOSED', epoch, failures: 0, failedNodes: [], votes: [], forced }), transitions };
    case 'HALF_OPEN':
      return { ...unmoved({ kind: 'HALF_OPEN', epoch, failures, trips, successes, permits: [], narrow }), transitions };
    case 'OPEN': {
      const openUntilMs = forced?.untilMs ?? ctx.nowMs + openForMs(ctx.rule, trips, ctx.random);
      const open: BreakerState = {
        kind: 'OPEN',
        epoch,
        failures,
        openedAtMs: ctx.nowMs,
        openUntilMs,
        trips,
        forced,
        narrow,
      };
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

const withPermit = (state: HalfOpen, id: string, ctx: StepContext): HalfOpen => ({
  ...state,
  permits: [...state.permits.filter((permit) => permit.id !== id), { id, untilMs: ctx.nowMs + ctx.rule.permitMs }],
});
