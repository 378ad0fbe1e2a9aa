import { ratiosByRound, summarize } from '../shared/statistics.ts';
import type { Summary } from '../shared/statistics.ts';
import { table } from '../shared/table.ts';
import type { Audit } from './audit.ts';
import { SCRIPTS_TARGET } from './cases.ts';
import type { LimitCase } from './cases.ts';
import type { LoneBlock } from './lone.ts';
import type { Measurement } from './measure.ts';
import type { SubjectName } from './subjects.ts';

/** How much a lone request may wait beyond the round trip itself. */
const LONE_EXTRA_US = 200;

const usable = (runs: readonly Measurement[], subject: SubjectName): Measurement[] =>
  runs.filter((run) => run.subject === subject && run.problems.length === 0);

/** The ratio gateway over nginx + Lua, Redis included, from the rounds both have; undefined when there are none. */
export function ratioToPeer(runs: readonly Measurement[]): Summary | undefined {
  const points = (subject: SubjectName): { round: number; value: number }[] =>
    usable(runs, subject).map(({ round, totalUs }) => ({ round, value: totalUs }));
  return summarize(ratiosByRound(points('gateway'), points('nginx + Lua')));
}

/** The table of one case: a column for each round, then the medians. `runs` holds this case's runs only. */
export function caseReport(limitCase: LimitCase, runs: readonly Measurement[]): string {
  const rounds = [...new Set(runs.map((run) => run.round))];
  const subjects = [...new Set(runs.map((run) => run.subject))];
  const head = [
    'CPU µs/request, with Redis',
    ...rounds.map((n) => `round ${n}`),
    'median',
    'min–max',
    'proxy + Redis',
    'scripts/req',
    'req/s',
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
  return [`\n${limitCase.title}`, table([head, ...rows]), ...notes, ...verdicts(limitCase, runs)].join('\n');
}

function verdicts({ target }: LimitCase, runs: readonly Measurement[]): string[] {
  const lines: string[] = [];
  const ratio = ratioToPeer(runs);
  if (ratio !== undefined) lines.push(`gateway / nginx + Lua: ${spread(ratio, 3)}; ${verdict(ratio.median, target)}`);
  const scripts = summarize(usable(runs, 'gateway').map((run) => run.scriptsPerRequest));
  if (scripts !== undefined) {
    lines.push(
      `gateway, Redis scripts per request: ${spread(scripts, 4)}; ${verdict(scripts.median, SCRIPTS_TARGET)}`,
      `gateway, requests per script: ${(1 / scripts.median).toFixed(1)} on average; ` +
        'a histogram of flush sizes is not available: the gateway does not export its counters yet',
    );
  }
  return lines;
}

/** What limiting adds to a request that is alone, against one round trip to Redis. */
export function loneReport(blocks: readonly LoneBlock[]): string {
  const of = (pick: (block: LoneBlock) => number): Summary => summarize(blocks.map(pick)) ?? NOTHING;
  const added = of((block) => block.limitedUs - block.unlimitedUs);
  const ping = of((block) => block.pingUs);
  const excess = of((block) => block.limitedUs - block.unlimitedUs - block.pingUs);
  const row = (name: string, summary: Summary): string[] => [name, spread(summary, 0)];
  const rows = [
    ['µs, median of blocks (min–max)', ''],
    row(
      'request, limited with Redis',
      of((block) => block.limitedUs),
    ),
    row(
      'request, not limited',
      of((block) => block.unlimitedUs),
    ),
    row('added by the limit', added),
    row('one Redis round trip (PING)', ping),
  ];
  return [
    '\na lone request: one connection, one request at a time',
    table(rows, 'left-last'),
    `added beyond one round trip: ${spread(excess, 0)} µs; ${verdict(excess.median, LONE_EXTRA_US)}`,
  ].join('\n');
}

export function auditReport({ granted, refused, seconds, allowed, problems }: Audit): string {
  const share = `${((granted / allowed) * 100).toFixed(1)} %`;
  return [
    `\nexactness: one key, demand far above the limit, ${seconds.toFixed(2)} s`,
    `granted ${granted} of ${allowed.toFixed(1)} (${share}), refused ${refused}: ${problems.length === 0 ? 'exact' : problems.join(', ')}`,
  ].join('\n');
}

const NOTHING: Summary = { median: Number.NaN, min: Number.NaN, max: Number.NaN };

const spread = ({ median, min, max }: Summary, digits: number): string =>
  `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`;

const verdict = (value: number, target: number): string =>
  `target at most ${target}: ${value <= target ? 'met' : 'MISSED'}`;

const cell = (run: Measurement | undefined): string =>
  run === undefined ? '-' : run.problems.length > 0 ? 'errors' : run.totalUs.toFixed(2);

function medians(runs: readonly Measurement[]): string[] {
  if (runs.length === 0) return [];
  const of = (pick: (run: Measurement) => number): Summary => summarize(runs.map(pick)) ?? NOTHING;
  const total = of((run) => run.totalUs);
  return [
    total.median.toFixed(2),
    `${total.min.toFixed(2)}–${total.max.toFixed(2)}`,
    `${of((run) => run.proxyUs).median.toFixed(2)} + ${of((run) => run.redisUs).median.toFixed(2)}`,
    of((run) => run.scriptsPerRequest).median.toFixed(4),
    of((run) => run.requestsPerSecond).median.toFixed(0),
    (of((run) => run.p50Us).median / 1000).toFixed(2),
    (of((run) => run.p99Us).median / 1000).toFixed(2),
  ];
}
