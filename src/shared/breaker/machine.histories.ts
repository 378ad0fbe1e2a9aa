import { fc } from '@fast-check/vitest';
import type { ClientCount, Tally } from './evidence.ts';
import { permitOf } from './permit-room.ts';
import type { BreakerOp } from './state.ts';

/** One thing that happens in a random history. The epoch is filled in while it is played: mostly the present one. */
export interface HistoryStep {
  readonly gapMs: number;
  readonly node: string;
  readonly random: number;
  readonly epochsBack: number;
  readonly op: (epoch: number, index: number) => BreakerOp;
}

/** How long an operator forces a state; the longest is longer than any opening. */
export const FORCED_MS = [1, 300, 1_000, 2_500] as const;

// Few permits, so that results meet the ones that were given, also under a later epoch.
const client = fc.constantFrom('', 'x', 'y');
const permit = fc.nat(2).map((n) => `permit-${n}`);
const clientPermit = fc.tuple(fc.nat(2), client).map(([n, asker]) => permitOf(`permit-${n}`, asker));

type Report = Readonly<{
  failures: number;
  success: boolean;
  trip: 'none' | 'error_rate' | 'slow_calls';
  tally?: Tally;
}>;
const report = (r: Report) => ({ op: (epoch: number): BreakerOp => ({ op: 'report', epoch, ...r }) });

const clientCount = fc
  .tuple(fc.constantFrom('x', 'y', 'z'), fc.nat(6), fc.nat(6))
  .map(([id, good, failed]): ClientCount => [id, good + failed, failed]);
const tally = fc.array(clientCount, { maxLength: 3 }).map((counts): Tally => {
  const clients = [...new Map(counts.map((count) => [count[0], count])).values()];
  const sum = (field: 1 | 2): number => clients.reduce((all, count) => all + count[field], 0);
  return { requests: sum(1), failed: sum(2), clients };
});
const reports = fc.record({
  failures: fc.nat(3),
  success: fc.boolean(),
  trip: fc.oneof({ weight: 9, arbitrary: fc.constant('none' as const) }, fc.constantFrom('error_rate', 'slow_calls')),
});
const tallied = fc.tuple(reports, tally).map(([r, seen]) => ({ ...r, tally: seen }));
const others = fc
  .record({ culprit: fc.constantFrom('x', 'y'), client, outcome: fc.constantFrom('success', 'success', 'failure') })
  .map((o) => ({ op: (): BreakerOp => ({ op: 'other', ...o }) }));
const asksOf = (permits: fc.Arbitrary<string>) =>
  permits.map((id) => ({ op: (): BreakerOp => ({ op: 'ask', permit: id }) }));
const resultsOf = (permits: fc.Arbitrary<string>) =>
  fc
    .record({ permit: permits, outcome: fc.constantFrom('success', 'success', 'success', 'failure', 'aborted') })
    .map((r) => ({ op: (epoch: number): BreakerOp => ({ op: 'result', epoch, ...r }) }));
const asks = asksOf(permit);
const results = resultsOf(permit);
const renewals = permit.map((id) => ({ op: (epoch: number): BreakerOp => ({ op: 'renew', epoch, permit: id }) }));
const reminders = fc
  .nat(5)
  .map((failures) => ({ op: (epoch: number): BreakerOp => ({ op: 'remind', epoch, failures }) }));
const forces = fc
  .record({ state: fc.constantFrom('OPEN', 'CLOSED', 'AUTO'), forMs: fc.constantFrom(...FORCED_MS) })
  .map((f) => ({ op: (): BreakerOp => ({ op: 'force', ...f }) }));
const probed = fc.constant({ op: (epoch: number): BreakerOp => ({ op: 'probed', epoch }) });
const looks = fc.constant({ op: (): BreakerOp => ({ op: 'look' }) });

const stepOf = (op: fc.Arbitrary<Pick<HistoryStep, 'op'>>, gapMs: fc.Arbitrary<number>): fc.Arbitrary<HistoryStep> =>
  fc
    .record({
      what: op,
      gapMs,
      node: fc.constantFrom('a', 'b'),
      random: fc.constantFrom(0, 0.5),
      epochsBack: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, fc.nat(3)),
    })
    .map(({ what, ...rest }) => ({ ...what, ...rest }));

// Uniform noise hardly ever gets past OPEN, so a history is a chain of scenes: bursts that open, waits that end an
// opening, probes in quick succession, an operator who forces a state into what goes on, and noise in between.
const quick = fc.nat(3);
const burst = fc.array(stepOf(fc.constant(report({ failures: 3, success: false, trip: 'none' })), quick), {
  minLength: 1,
  maxLength: 3,
});
const wait = fc.tuple(stepOf(looks, fc.oneof(fc.integer({ min: 900, max: 1_100 }), fc.nat(5_000))));
const probing = fc.array(stepOf(fc.oneof(asks, asks, results), fc.oneof(quick, fc.nat(400))), {
  minLength: 2,
  maxLength: 10,
});
const foundWell = fc.tuple(stepOf(probed, fc.oneof(quick, fc.nat(900))));
const forced = fc
  .tuple(stepOf(forces, quick), fc.array(stepOf(fc.oneof(reports.map(report), asks, results, reminders), quick)), wait)
  .map(([first, then, last]) => [first, ...then, ...last]);
const noise = fc.array(
  stepOf(
    fc.oneof(reports.map(report), asks, results, renewals, reminders, looks, forces, probed),
    fc.oneof(quick, fc.nat(1_200)),
  ),
  { maxLength: 6 },
);

// What clients did, an opening that one of them proves, and what others then find.
const byClients = fc.array(
  stepOf(
    fc.oneof(tallied.map(report), tallied.map(report), others, asksOf(clientPermit), resultsOf(clientPermit)),
    fc.oneof(quick, fc.nat(700)),
  ),
  { minLength: 1, maxLength: 10 },
);

/** Histories in which everything the breaker can do happens often. */
export const historyArbitrary: fc.Arbitrary<readonly HistoryStep[]> = historyOf(
  fc.oneof(burst, wait, foundWell, probing, probing, forced, noise),
);

/** The same with clients: a plain model of counts does not hold there. */
export const clientHistoryArbitrary: fc.Arbitrary<readonly HistoryStep[]> = historyOf(
  fc.oneof(burst, wait, foundWell, probing, byClients, byClients, forced, noise),
);

function historyOf(scene: fc.Arbitrary<readonly HistoryStep[]>): fc.Arbitrary<readonly HistoryStep[]> {
  return fc.array(scene, { minLength: 1, maxLength: 14 }).map((scenes) => scenes.flat());
}
