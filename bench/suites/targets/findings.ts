import { rounded } from '../../shared/figures.ts';
import type { Recorder } from '../../shared/suite.ts';
import type { DrillRun, DrillTimes } from './drill.ts';
import { failuresChart } from './failures-chart.ts';
import { inWords } from './failures.ts';
import type { TargetFault } from './faults.ts';
import type { DrilledSubject } from './subjects.ts';

/** A generator this much of a latency late has no say in it. */
const LATE_SHARE = 0.5;

export interface SubjectRuns {
  readonly subject: DrilledSubject;
  readonly runs: readonly DrillRun[];
}

export interface FaultFindings {
  readonly fault: TargetFault;
  readonly found: readonly SubjectRuns[];
  readonly times: DrillTimes;
}

interface Figure {
  readonly metric: string;
  readonly unit: string;
  readonly of: (run: DrillRun) => number | undefined;
}

/** Parts of a drill: before the fault, until it is found out, and from then on. */
const [QUIET, FOUND_OUT, SETTLED] = [0, 1, 2];

/** All are better when lower. */
const FIGURES: readonly Figure[] = [
  { metric: 'failed', unit: '', of: ({ after }) => after.count },
  { metric: 'last-failure', unit: 's', of: ({ after }) => after.lastMs / 1000 },
  { metric: 'p99-quiet', unit: 'ms', of: partMs(QUIET) },
  { metric: 'p99', unit: 'ms', of: partMs(FOUND_OUT) },
  { metric: 'p99-settled', unit: 'ms', of: partMs(SETTLED) },
  { metric: 'generator-late-p99', unit: 'ms', of: ({ seen }) => (seen.lateP99Us ?? 0) / 1000 },
];

/** Undefined where nothing was answered, or where the load generator itself was too late. */
function trustedMs({ lateP99Us = 0 }: DrillRun['seen'], p99Us = 0): number | undefined {
  return p99Us === 0 || lateP99Us > p99Us * LATE_SHARE ? undefined : p99Us / 1000;
}

/** The p99 of one part of the run. */
function partMs(part: number): Figure['of'] {
  return ({ seen }) => trustedMs(seen, seen.partsP99Us?.[part]);
}

/** What each subject made of one fault. */
export function recordFault(record: Recorder, { fault, found, times }: FaultFindings): void {
  const { title } = fault;
  for (const { metric, unit, of } of FIGURES) {
    for (const { subject, runs } of found) {
      const samples = runs.map(of).filter((value) => value !== undefined);
      if (samples.length < runs.length) {
        record.note(
          `Refused: ${metric} of ${subject.name}, ${title}: the load generator itself was too late, or nothing was answered.`,
        );
      }
      if (samples.length === 0) continue;
      const measure = { case: title, subject: subject.name, metric, unit, better: 'lower' } as const;
      record.measure({ ...measure, samples: samples.map(rounded) });
    }
  }
  for (const { subject, runs } of found) {
    noteQuietFailures(record, title, { subject, runs });
    if (subject.retries === undefined) continue;
    recordCheck(record, fault, { subject, runs });
    recordSlowness(record, fault, { subject, runs });
  }
  const firsts = found.flatMap(({ subject, runs: [run] }) =>
    run === undefined ? [] : [{ subject: subject.name, run }],
  );
  const failed = firsts.filter(({ run }) => run.after.count > 0);
  const instead = failed.map(({ subject, run }) => `${subject}: ${inWords(run.after)}`);
  if (instead.length > 0) record.note(`${title}, what clients got in place of a 200, round 1: ${instead.join('; ')}.`);
  record.chart(failuresChart(title, firsts, times));
}

function noteQuietFailures(record: Recorder, title: string, { subject, runs }: SubjectRuns): void {
  runs.forEach(({ quiet }, i) => {
    if (quiet.count === 0) return;
    record.note(
      `${title}, round ${i + 1}: through ${subject.name} requests failed before the fault: ${inWords(quiet)}.`,
    );
  });
}

/** Whether the gateway keeps what it promises of this fault. */
function recordCheck(record: Recorder, { title, mostFailed }: TargetFault, { subject, runs }: SubjectRuns): void {
  const { name, retries = 0 } = subject;
  const beyond = mostFailed(retries, 0);
  if (beyond === undefined) return;
  // With repeats none fails at all; without them some do each time it is tried again.
  const counted = runs.map(({ first, after, underWay }) => ({ seen: beyond === 0 ? after : first, underWay }));
  const wrong = counted.flatMap(({ seen, underWay }, i) =>
    seen.count <= (mostFailed(retries, underWay) ?? 0)
      ? []
      : [`round ${i + 1}: ${inWords(seen)} (${underWay} were under way)`],
  );
  const some = `at most ${beyond} requests fail beyond those under way, until it is tried again`;
  const what = beyond === 0 ? 'no request fails' : some;
  const detail = wrong.length === 0 ? `${runs.length} rounds` : wrong.join('; ');
  record.check({ case: title, what: `${name}: ${what}`, ok: wrong.length === 0, detail });
}

/** Whether the answers of all targets together are as quick as the gateway promises, where the generator can tell. */
function recordSlowness(
  record: Recorder,
  { title, mostTimesSlower }: TargetFault,
  { subject, runs }: SubjectRuns,
): void {
  if (mostTimesSlower === undefined) return;
  const known = runs.flatMap((run) => {
    const [quiet, settled] = [partMs(QUIET)(run), partMs(SETTLED)(run)];
    return quiet === undefined || settled === undefined ? [] : [{ quiet, settled }];
  });
  if (known.length === 0) return;
  const total = (part: 'quiet' | 'settled'): number => known.reduce((sum, each) => sum + each[part], 0);
  const times = total('settled') / total('quiet');
  record.check({
    case: title,
    what: `${subject.name}: p99-settled at most ${mostTimesSlower} times p99-quiet`,
    ok: times <= mostTimesSlower,
    detail: `${times.toFixed(2)}, the means of ${known.length} rounds`,
  });
}
