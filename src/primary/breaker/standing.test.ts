import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import type { BreakerOp } from '../../shared/breaker/state.ts';
import { NEVER_SEEN } from './cell.ts';
import { ALONE, OBJECTION_MS, onHeard, onLost, onReunited } from './standing.ts';
import type { Heard, Standing } from './standing.ts';

type Isolated = Extract<Standing, { kind: 'isolated' }>;

const kinds = fc.constantFrom('CLOSED', 'CLOSED', 'CLOSED', 'OPEN', 'OPEN', 'HALF_OPEN');
// Mostly not forced, and `now` mostly at the edges: whatever has a rare cause must still come up in a hundred runs.
const forced = fc.oneof(
  { weight: 4, arbitrary: fc.constant(undefined) },
  fc.record({ state: fc.constantFrom('OPEN', 'CLOSED'), forMs: fc.nat(5_000) }),
);
// Few epochs and small counts, so that they meet.
const truths = fc
  .record({ kind: kinds, epoch: fc.nat(2), failures: fc.nat(4), isolated: fc.boolean(), forced })
  .map((truth) => ({ ...NEVER_SEEN, ...truth }));
const heards: fc.Arbitrary<Heard> = fc.record({
  truth: truths,
  local: fc.record({ kind: kinds, openedHere: fc.boolean() }),
  ownEvidence: fc.boolean(),
  rule: fc.record({ failureThreshold: fc.integer({ min: 1, max: 3 }), minNodes: fc.integer({ min: 1, max: 2 }) }),
  nowMs: fc.oneof(fc.constantFrom(0, OBJECTION_MS - 1, OBJECTION_MS, OBJECTION_MS + 1), fc.nat(2 * OBJECTION_MS)),
});
const reminders = fc.option(fc.record({ epoch: fc.nat(2), atMs: fc.nat(1) }), { nil: undefined });
const isolated: fc.Arbitrary<Isolated> = fc.record({
  kind: fc.constant('isolated' as const),
  marked: fc.boolean(),
  reminded: reminders,
});
const standings: fc.Arbitrary<Standing> = fc.oneof(
  fc.constant<Standing>({ kind: 'cluster' }),
  fc.constant<Standing>(ALONE),
  isolated,
);

const marksIn = (ops: readonly BreakerOp[]): string[] => ops.flatMap((op) => (op.op === 'isolated' ? [op.mark] : []));
const closedFreely = ({ truth }: Heard): boolean => truth.kind === 'CLOSED' && truth.forced === undefined;

describe('where a node stands', () => {
  test('without Redis a node decides for itself', () => {
    expect(onLost()).toEqual({ kind: 'node' });
  });

  test.prop([heards])('with the cluster it refuses alone exactly when its own failures lack a quorum', (heard) => {
    const { standing } = onHeard({ kind: 'cluster' }, heard);
    const alone = closedFreely(heard) && heard.ownEvidence && heard.rule.minNodes > 1;
    expect(standing.kind).toBe(alone ? 'isolated' : 'cluster');
  });

  test.prop([heards])('back with the cluster it refuses on exactly when it opened by itself', (heard) => {
    const { standing } = onHeard(ALONE, heard);
    const on = closedFreely(heard) && heard.local.openedHere && heard.local.kind !== 'CLOSED';
    expect(standing.kind).toBe(on ? 'isolated' : 'cluster');
  });

  test.prop([standings, heards])('an answer leaves nobody as one without Redis', (before, heard) => {
    expect(onHeard(before, heard).standing.kind).not.toBe('node');
  });

  test.prop([standings, heards])('a mark is set on the way in and taken away on the way out', (before, heard) => {
    const { standing, say } = onHeard(before, heard);
    const wasIn = before.kind === 'isolated';
    const isIn = standing.kind === 'isolated';
    expect(marksIn(say)).toEqual(wasIn === isIn ? [] : isIn ? ['set'] : ['clear']);
    expect(marksIn(onReunited().say)).toEqual(['clear']);
  });

  test.prop([isolated, heards])('a mark that somebody took away ends it, one never seen does not', (before, heard) => {
    const { standing } = onHeard(before, heard);
    const reset = before.marked && !heard.truth.isolated;
    expect(standing.kind).toBe(closedFreely(heard) && !reset ? 'isolated' : 'cluster');
    if (standing.kind === 'isolated') expect(standing.marked).toBe(heard.truth.isolated);
  });

  test.prop([standings, heards])('memory alone opens nothing for others', (before, heard) => {
    const reminds = onHeard(before, heard).say.flatMap((op) => (op.op === 'remind' ? [op] : []));
    for (const { failures, epoch } of reminds) {
      expect(failures).toBeLessThan(heard.rule.failureThreshold);
      expect(epoch).toBe(heard.truth.epoch);
    }
    // And only what this node itself holds open still.
    expect(reminds.length === 1).toBe(
      before.kind === 'node' && closedFreely(heard) && heard.local.openedHere && heard.local.kind === 'OPEN',
    );
  });

  test.prop([isolated, heards])('one failure is reported, once, when nobody has objected in time', (before, heard) => {
    const { standing, say } = onHeard(before, heard);
    if (standing.kind === 'cluster') return;
    const { reminded } = before;
    const { truth, rule, nowMs } = heard;
    const due = reminded !== undefined && nowMs - reminded.atMs >= OBJECTION_MS;
    const objected =
      truth.epoch !== reminded?.epoch || truth.failures < rule.failureThreshold - 1 || rule.failureThreshold === 1;
    const failure = { op: 'report', epoch: truth.epoch, failures: 1, success: false, trip: 'none' };
    expect(say).toEqual(due && !objected ? [failure] : []);
    expect(standing).toMatchObject({ reminded: due ? undefined : reminded });
  });
});
