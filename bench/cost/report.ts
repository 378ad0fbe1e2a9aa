import { ratiosByRound, summarize } from '../shared/statistics.ts';
import type { Summary } from '../shared/statistics.ts';
import { percent, table } from '../shared/table.ts';
import type { CostCase } from './cases.ts';
import type { Measurement } from './measure.ts';
import type { FrameCost } from './profile.ts';
import type { SubjectName } from './subjects.ts';

const usable = (all: readonly Measurement[], subject: SubjectName): Measurement[] =>
  all.filter((run) => run.subject === subject && run.problems.length === 0);

/** The ratio gateway over a peer in one case, from the rounds both have; undefined when there are none. */
export function ratioTo(peer: SubjectName, runs: readonly Measurement[]): Summary | undefined {
  const points = (subject: SubjectName): { round: number; value: number }[] =>
    usable(runs, subject).map(({ round, totalUs }) => ({ round, value: totalUs }));
  return summarize(ratiosByRound(points('gateway'), points(peer)));
}

/** The table of one case: a column for each round, then the medians. `runs` holds this case's runs only. */
export function caseReport(costCase: CostCase, runs: readonly Measurement[]): string {
  const subjects = [...new Set(runs.map((run) => run.subject))];
  const rounds = [...new Set(runs.map((run) => run.round))];
  const head = [
    'CPU µs/request',
    ...rounds.map((n) => `round ${n}`),
    'median',
    'min–max',
    'user + sys',
    'req/s',
    'busy',
    'p50 ms',
    'p99 ms',
  ];
  const rows = subjects.map((subject) => {
    const own = runs.filter((run) => run.subject === subject);
    const cells = rounds.map((round) => cell(own.find((run) => run.round === round)));
    return [subject, ...cells, ...medians(usable(runs, subject))];
  });
  const broken = runs.filter((run) => run.problems.length > 0);
  const notes = broken.map((run) => `not used: ${run.subject}, round ${run.round}: ${run.problems.join(', ')}`);
  return [`\n${costCase.title}`, table([head, ...rows]), ...notes, ...ratioLines(costCase, runs)].join('\n');
}

/** The dearest frames of the request threads. */
export function profileReport(costs: readonly FrameCost[]): string {
  const rows = costs.slice(0, 25).map((cost) => [percent(cost.share), (cost.selfUs / 1000).toFixed(0), cost.frame]);
  return `self time of the request threads, not idle\n${table([['share', 'ms', 'frame'], ...rows], 'left-last')}`;
}

function ratioLines(costCase: CostCase, runs: readonly Measurement[]): string[] {
  return (['haproxy', 'nginx'] as const).flatMap((peer) => {
    const ratio = ratioTo(peer, runs);
    if (ratio === undefined) return [];
    const target = `target at most ${costCase.target}: ${ratio.median <= costCase.target ? 'met' : 'MISSED'}`;
    const numbers = `${ratio.median.toFixed(3)} (${ratio.min.toFixed(3)}–${ratio.max.toFixed(3)})`;
    return [`gateway / ${peer}: ${numbers}${peer === 'haproxy' ? `; ${target}` : ''}`];
  });
}

const cell = (run: Measurement | undefined): string =>
  run === undefined ? '-' : run.problems.length > 0 ? 'errors' : run.totalUs.toFixed(2);

function medians(runs: readonly Measurement[]): string[] {
  const of = (pick: (run: Measurement) => number): Summary =>
    summarize(runs.map(pick)) ?? { median: Number.NaN, min: Number.NaN, max: Number.NaN };
  const total = of((run) => run.totalUs);
  return [
    total.median.toFixed(2),
    `${total.min.toFixed(2)}–${total.max.toFixed(2)}`,
    `${of((run) => run.userUs).median.toFixed(2)} + ${of((run) => run.systemUs).median.toFixed(2)}`,
    of((run) => run.requestsPerSecond).median.toFixed(0),
    percent(of((run) => run.busyCores).median),
    (of((run) => run.p50Us).median / 1000).toFixed(2),
    (of((run) => run.p99Us).median / 1000).toFixed(2),
  ];
}
