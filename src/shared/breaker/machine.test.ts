import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { VOTE_MS } from './heard.ts';
import type { StepContext } from './heard.ts';
import { step } from './machine.ts';
import { DEFAULT_RULE, openForMs } from './rule.ts';
import type { BreakerRule } from './rule.ts';
import { FRESH } from './state.ts';
import type { BreakerOp, BreakerState, Transition } from './state.ts';
import { FORCED_MS, historyArbitrary } from './machine.histories.ts';
import type { HistoryStep } from './machine.histories.ts';

const RULE: BreakerRule = { ...DEFAULT_RULE, failureThreshold: 3, resetTimeoutMs: 1_000, permitMs: 500, openJitter: 0 };
const at = (nowMs: number, rest: Partial<StepContext> = {}): StepContext => ({
  rule: RULE,
  node: 'a',
  liveNodes: 1,
  random: 0,
  nowMs,
  ...rest,
});
const failed = (state: BreakerState, failures: number): BreakerOp => ({
  op: 'report',
  epoch: state.epoch,
  failures,
  success: false,
  trip: 'none',
});
const opened = (nowMs: number, rest: Partial<StepContext> = {}): BreakerState =>
  step(FRESH, failed(FRESH, 3), at(nowMs, rest)).state;
const halfOpen = (nowMs: number): BreakerState => step(opened(nowMs - 1_000), { op: 'look' }, at(nowMs)).state;

describe('examples', () => {
  test('opens at the threshold and not before', () => {
    const two = step(FRESH, failed(FRESH, 2), at(10));
    expect(two.state).toMatchObject({ kind: 'CLOSED', failures: 2 });
    expect(step(two.state, failed(two.state, 1), at(11)).transitions).toEqual([
      { from: 'CLOSED', to: 'OPEN', epoch: 11, reason: 'consecutive_failures' },
    ]);
  });

  test('a success anywhere resets the count; failures after it count', () => {
    const two = step(FRESH, failed(FRESH, 2), at(10)).state;
    const report: BreakerOp = { op: 'report', epoch: 0, failures: 2, success: true, trip: 'none' };
    expect(step(two, report, at(11, { node: 'b' })).state).toMatchObject({ kind: 'CLOSED', failures: 2 });
  });

  test('after an hour of silence an open breaker is half open and gives a permit at once', () => {
    const asked = step(opened(10), { op: 'ask', permit: 'x' }, at(3_600_010));
    expect(asked.granted).toBe(true);
    expect(asked.state.kind).toBe('HALF_OPEN');
  });

  test('a clock that goes back a day does not keep it open for a day', () => {
    const day = 86_400_000;
    const back = step(opened(2 * day), { op: 'look' }, at(day)).state;
    const half = step(back, { op: 'look' }, at(day + 1_000)).state;
    expect(half.kind).toBe('HALF_OPEN');
    expect(half.epoch).toBeGreaterThan(back.epoch);
  });

  test('a clock that goes back does not keep a lost permit for ever', () => {
    const day = 86_400_000;
    let state = halfOpen(2 * day);
    for (const permit of ['x', 'y']) state = step(state, { op: 'ask', permit }, at(2 * day)).state;
    expect(step(state, { op: 'ask', permit: 'z' }, at(day)).granted).toBe(false);
    state = step(state, { op: 'look' }, at(day)).state;
    expect(step(state, { op: 'ask', permit: 'z' }, at(day + 500)).granted).toBe(true);
  });

  test('a lower number of successes after a reload closes instead of waiting for a probe nobody may send', () => {
    let state = halfOpen(5_000);
    state = step(state, { op: 'ask', permit: 'x' }, at(5_000)).state;
    state = step(state, { op: 'result', epoch: state.epoch, permit: 'x', outcome: 'success' }, at(5_001)).state;
    const lower = { rule: { ...RULE, halfOpenSuccesses: 1 } };
    expect(step(state, { op: 'look' }, at(5_002, lower)).state.kind).toBe('CLOSED');
  });

  test('a quorum of nodes is needed as far as that many live', () => {
    const rule = { ...RULE, minNodes: 2 };
    const one = step(FRESH, failed(FRESH, 9), at(1, { rule, liveNodes: 3 })).state;
    expect(one.kind).toBe('CLOSED');
    expect(step(one, failed(one, 1), at(2, { rule, liveNodes: 3, node: 'b' })).state.kind).toBe('OPEN');
    expect(opened(1, { rule, liveNodes: 1 }).kind).toBe('OPEN');
  });

  test('votes of sliding windows need the same quorum and lapse', () => {
    const rule = { ...RULE, minNodes: 2 };
    const vote: BreakerOp = { op: 'report', epoch: 0, failures: 0, success: true, trip: 'error_rate' };
    const one = step(FRESH, vote, at(1, { rule, liveNodes: 2 })).state;
    expect(step(one, vote, at(2, { rule, liveNodes: 2 })).state.kind).toBe('CLOSED');
    expect(step(one, vote, at(2, { rule, liveNodes: 2, node: 'b' })).transitions[0]?.reason).toBe('error_rate');
    expect(step(one, vote, at(1 + VOTE_MS, { rule, liveNodes: 2, node: 'b' })).state.kind).toBe('CLOSED');
  });

  describe('an operator', () => {
    const force = (state: 'OPEN' | 'CLOSED' | 'AUTO', forMs = 5_000): BreakerOp => ({ op: 'force', state, forMs });

    test('opens what is well, for the time said, and then probes decide', () => {
      const forced = step(FRESH, force('OPEN'), at(10));
      expect(forced.transitions).toEqual([{ from: 'CLOSED', to: 'OPEN', epoch: 10, reason: 'operator' }]);
      expect(forced.state).toMatchObject({ kind: 'OPEN', openUntilMs: 5_010 });
      expect(step(forced.state, { op: 'ask', permit: 'x' }, at(5_009)).granted).toBe(false);
      const asked = step(forced.state, { op: 'ask', permit: 'x' }, at(5_010));
      expect(asked.granted).toBe(true);
      expect(asked.transitions.map((t) => t.reason)).toEqual(['override_ended']);
    });

    test('closes what is open: failures and reminders open nothing, and afterwards the count begins at 0', () => {
      let { state } = step(opened(10), force('CLOSED'), at(20));
      for (let i = 0; i < 9; i++) {
        state = step(state, failed(state, 2), at(30)).state;
        state = step(state, { op: 'remind', epoch: state.epoch, failures: 2 }, at(30)).state;
      }
      expect(state).toMatchObject({ kind: 'CLOSED', failures: 0 });
      const ended = step(state, failed(state, 2), at(5_020)); // counted before the end, told after it
      expect(ended.transitions.map((t) => t.reason)).toEqual(['override_ended']);
      expect(ended.state).toMatchObject({ kind: 'CLOSED', failures: 0, forced: undefined });
      expect(step(ended.state, failed(ended.state, 3), at(5_021)).state.kind).toBe('OPEN');
    });

    test('gives back at once, once: OPEN to probes, CLOSED to a fresh count', () => {
      const open = step(FRESH, force('OPEN'), at(10)).state;
      const half = step(open, force('AUTO'), at(11));
      expect([half.state.kind, half.transitions[0]?.reason]).toEqual(['HALF_OPEN', 'operator']);
      expect(step(half.state, force('AUTO'), at(12)).transitions).toEqual([]);
      const closed = step(open, force('CLOSED'), at(11)).state;
      expect(step(closed, force('AUTO'), at(12)).state).toMatchObject({ kind: 'CLOSED', forced: undefined });
      expect(step(opened(10), force('AUTO'), at(11)).state).toEqual(opened(10));
    });

    test.each(['OPEN', 'CLOSED'] as const)('a clock that goes back a day does not force %s for a day', (kind) => {
      const day = 86_400_000;
      const forced = step(FRESH, force(kind), at(2 * day)).state;
      const back = step(forced, { op: 'look' }, at(day)).state;
      expect(step(back, { op: 'look' }, at(day + 4_999)).state).toMatchObject({ kind, forced: { sinceMs: day } });
      const after = step(back, { op: 'look' }, at(day + 5_000)).transitions;
      expect(after.map((t) => t.reason)).toEqual(['override_ended']);
    });
  });

  test('probes of its targets end an opening early, as time does, but not what is forced or has moved since', () => {
    const narrow = { ...opened(10), narrow: 'x' } as BreakerState;
    const half = step(narrow, { op: 'probed', epoch: narrow.epoch }, at(11));
    expect(half.state).toMatchObject({ kind: 'HALF_OPEN', trips: 1, narrow: 'x' });
    expect(half.transitions).toEqual([{ from: 'OPEN', to: 'HALF_OPEN', epoch: 11, reason: 'health_probes' }]);
    expect(step(narrow, { op: 'probed', epoch: 9 }, at(11)).state.kind).toBe('OPEN');
    expect(step(half.state, { op: 'probed', epoch: 11 }, at(12)).transitions).toEqual([]);
    const held = step(FRESH, { op: 'force', state: 'OPEN', forMs: 500 }, at(10)).state;
    expect(step(held, { op: 'probed', epoch: held.epoch }, at(11)).state.kind).toBe('OPEN');
  });

  test('a reminder never opens', () => {
    const reminded = step(FRESH, { op: 'remind', epoch: 0, failures: 99 }, at(1)).state;
    expect(reminded).toMatchObject({ kind: 'CLOSED', failures: 2 });
  });

  test('the first opening is exact; later ones grow to the cap, with jitter', () => {
    const rule = { ...RULE, openFactor: 2, openCapMs: 5_000, openJitter: 0.1 };
    expect([1, 2, 3, 4, 400].map((trips) => openForMs(rule, trips, 0))).toEqual([1_000, 2_000, 4_000, 5_000, 5_000]);
    expect(openForMs(rule, 1, 0.99)).toBe(1_000);
    expect(openForMs(rule, 2, 0.5)).toBe(2_100);
  });
});

interface Run {
  readonly state: BreakerState;
  readonly nowMs: number;
  readonly transitions: readonly Transition[];
}

/** Plays a history; `see` is called after each op with what was before and after. */
function play(history: readonly HistoryStep[], see: (seen: Seen) => void = () => {}): Run {
  let state: BreakerState = FRESH;
  let nowMs = 1_000;
  const transitions: Transition[] = [];
  const epochs = [0];
  for (const [i, item] of history.entries()) {
    nowMs += item.gapMs;
    const epoch = epochs[Math.max(0, epochs.length - 1 - item.epochsBack)] ?? 0;
    const op = item.op(epoch, i);
    const next = step(state, op, at(nowMs, { node: item.node, liveNodes: 2, random: item.random }));
    see({ before: state, op, after: next.state, granted: next.granted, nowMs, transitions: next.transitions });
    transitions.push(...next.transitions);
    for (const transition of next.transitions) epochs.push(transition.epoch);
    state = next.state;
  }
  return { state, nowMs, transitions };
}

interface Seen {
  readonly before: BreakerState;
  readonly op: BreakerOp;
  readonly after: BreakerState;
  readonly granted: boolean;
  readonly nowMs: number;
  readonly transitions: readonly Transition[];
}

describe('over random histories', () => {
  test.prop([historyArbitrary], { numRuns: 300 })('agrees with the plain model', (history) => {
    const model = new PlainModel();
    play(history, ({ op, after, granted, nowMs }) => {
      const said = model.hear(op, nowMs);
      expect({ kind: model.kind, granted: said }).toEqual({ kind: after.kind, granted });
      if (after.kind === 'CLOSED') expect(after.failures).toBe(model.failures);
    });
  });

  test.prop([historyArbitrary], { numRuns: 300 })(
    'never has more probes in flight than successes are needed',
    (history) => {
      play(history, ({ after }) => {
        if (after.kind !== 'HALF_OPEN') return;
        expect(after.permits.length).toBeLessThanOrEqual(RULE.halfOpenSuccesses - after.successes);
        expect(new Set(after.permits.map((permit) => permit.id)).size).toBe(after.permits.length);
      });
    },
  );

  test.prop([historyArbitrary], { numRuns: 300 })(
    'epochs only grow, and every transition starts where the last ended',
    (history) => {
      const { transitions } = play(history);
      for (const [i, transition] of transitions.entries()) {
        const before = transitions[i - 1];
        expect(transition.epoch).toBeGreaterThan(before?.epoch ?? 0);
        expect(transition.from).toBe(before?.to ?? 'CLOSED');
      }
    },
  );

  test.prop([historyArbitrary], { numRuns: 300 })('what belongs to an older epoch changes nothing', (history) => {
    play(history, ({ before, op, after, transitions }) => {
      if (!('epoch' in op) || op.epoch === before.epoch || before.epoch === 0) return;
      const byTime = transitions.every(({ reason }) => reason === 'reset_timeout' || reason === 'override_ended');
      expect(byTime).toBe(true);
      if (after.epoch === before.epoch && before.kind === 'CLOSED')
        expect(after).toMatchObject({ failures: before.failures });
    });
  });

  test.prop([historyArbitrary], { numRuns: 300 })(
    'nothing but time and the operator moves what is forced',
    (history) => {
      let forced: { readonly kind: string; readonly untilMs: number } | undefined;
      play(history, ({ op, after, granted, nowMs }) => {
        if (op.op === 'force') {
          forced = op.state === 'AUTO' ? undefined : { kind: op.state, untilMs: nowMs + op.forMs };
        }
        if (forced === undefined || nowMs >= forced.untilMs) return;
        expect([after.kind, granted]).toEqual([forced.kind, false]);
        if (after.kind === 'CLOSED') expect(after.failures).toBe(0);
      });
    },
  );

  test.prop([historyArbitrary, fc.nat(100_000)])(
    'nothing leaves it stuck: silence, then good probes, closes it',
    (history, backMs) => {
      let { state, nowMs } = play(history);
      nowMs -= backMs; // and the clock jumps
      const patienceMs = Math.max(...FORCED_MS, RULE.resetTimeoutMs) + RULE.resetTimeoutMs + RULE.permitMs;
      state = step(state, { op: 'look' }, at(nowMs)).state;
      nowMs += patienceMs;
      for (let i = 0; i < RULE.halfOpenSuccesses && state.kind !== 'CLOSED'; i++) {
        const asked = step(state, { op: 'ask', permit: `last-${i}` }, at(nowMs));
        expect(asked.granted).toBe(true);
        const result: BreakerOp = { op: 'result', epoch: asked.state.epoch, permit: `last-${i}`, outcome: 'success' };
        state = step(asked.state, result, at(nowMs)).state;
      }
      expect(state.kind).toBe('CLOSED');
    },
  );
});

/** The breaker in the words of the issue, without thought for speed or storage; quorum 1, factor 1. */
class PlainModel {
  kind: BreakerState['kind'] = 'CLOSED';
  failures = 0;
  #epoch = 0;
  #untilMs = 0;
  #forced: number | undefined;
  #successes = 0;
  #probes = new Map<string, number>();

  hear(op: BreakerOp, nowMs: number): boolean {
    if (this.#forced !== undefined && nowMs >= this.#forced) this.#release(nowMs);
    // An opening ends by time alone, whatever comes then: each change has an epoch of its own.
    if (this.#forced === undefined && this.kind === 'OPEN' && nowMs >= this.#untilMs) this.#go('HALF_OPEN', nowMs);
    if (op.op === 'force') {
      if (op.state === 'AUTO' && this.#forced !== undefined) this.#release(nowMs);
      if (op.state !== 'AUTO') {
        this.#go(op.state, nowMs);
        this.#forced = nowMs + op.forMs;
      }
      return false;
    }
    if (this.#forced !== undefined) return false;
    for (const [id, untilMs] of this.#probes) if (untilMs <= nowMs) this.#probes.delete(id);
    const current = 'epoch' in op && op.epoch === this.#epoch;
    if (op.op === 'ask') {
      if (this.kind !== 'HALF_OPEN' || this.#probes.size + this.#successes >= RULE.halfOpenSuccesses) return false;
      this.#probes.set(op.permit, nowMs + RULE.permitMs);
      return true;
    }
    if (this.kind === 'OPEN' && current && op.op === 'probed') this.#go('HALF_OPEN', nowMs);
    else if (this.kind === 'CLOSED' && op.op === 'report' && (current || this.#epoch === 0)) {
      this.failures = (op.success ? 0 : this.failures) + op.failures;
      if (op.trip !== 'none' || this.failures >= RULE.failureThreshold) this.#go('OPEN', nowMs);
    } else if (this.kind === 'CLOSED' && op.op === 'remind' && (current || this.#epoch === 0)) {
      this.failures = Math.max(this.failures, Math.min(op.failures, RULE.failureThreshold - 1));
    } else if (this.kind === 'HALF_OPEN' && current && op.op === 'renew') {
      if (this.#probes.has(op.permit) || this.#probes.size + this.#successes < RULE.halfOpenSuccesses) {
        this.#probes.set(op.permit, nowMs + RULE.permitMs);
      }
    } else if (this.kind === 'HALF_OPEN' && current && op.op === 'result' && this.#probes.delete(op.permit)) {
      if (op.outcome === 'failure') this.#go('OPEN', nowMs);
      if (op.outcome === 'success' && ++this.#successes === RULE.halfOpenSuccesses) this.#go('CLOSED', nowMs);
    }
    return false;
  }

  #release(nowMs: number): void {
    this.#forced = undefined;
    this.#go(this.kind === 'OPEN' ? 'HALF_OPEN' : 'CLOSED', nowMs);
  }

  #go(kind: BreakerState['kind'], nowMs: number): void {
    this.kind = kind;
    this.#epoch = Math.max(this.#epoch + 1, nowMs);
    this.#untilMs = nowMs + RULE.resetTimeoutMs;
    this.#successes = 0;
    this.#probes.clear();
    if (kind === 'CLOSED') this.failures = 0;
  }
}
