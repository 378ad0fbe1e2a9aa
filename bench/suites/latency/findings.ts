import { FIGURES, recordMeasures, recordRatio, rounded } from '../../shared/figures.ts';
import type { CaseRuns } from '../../shared/load-case.ts';
import type { MeasuredRun } from '../../shared/measured-run.ts';
import type { Chart } from '../../shared/result.ts';
import { summarize } from '../../shared/statistics.ts';
import type { Recorder } from '../../shared/suite.ts';
import { LIMITED, PEER, UNLIMITED } from './subjects.ts';
import { distrust, NINES, PERCENTILES } from './trust.ts';
import type { Percentile } from './trust.ts';

/** All rounds of all subjects at one rate. */
export interface Level {
  /** Of saturation, 0 to 1. */
  readonly share: number;
  readonly seen: CaseRuns;
}

type Pair = readonly [subject: string, against: string];

const PAIRS: readonly Pair[] = [
  [LIMITED, UNLIMITED],
  [UNLIMITED, PEER],
  [LIMITED, PEER],
];

/** The percentiles that can be told at this level, ratios, and what cannot be told and why. */
export function recordLevel(record: Recorder, { seen }: Level, pairs: readonly Pair[] = PAIRS): void {
  recordMeasures(record, seen, ['cpu-per-request']);
  for (const percentile of PERCENTILES) {
    const told = { ...seen, runs: seen.runs.filter((run) => distrust(run.load, percentile) === undefined) };
    recordMeasures(record, told, [percentile]);
    for (const [subject, against] of pairs) {
      const part = [subject, against].map((name) => refusal(seen, name, percentile));
      const known = [subject, against].every((name) => seen.runs.some((run) => run.subject === name));
      const refused = part.find((reason) => reason !== undefined);
      if (!known) continue;
      if (refused === undefined) recordRatio(record, told, { subject, against, metric: percentile });
      else {
        const ratio = { case: seen.title, subject, against, metric: percentile, better: 'lower' } as const;
        record.ratio({ ...ratio, samples: [], refused });
      }
    }
  }
  for (const { name } of seen.subjects) noteDistrust(record, seen, name);
}

/** Why no round of this subject has the percentile; undefined = one or more have. */
function refusal({ runs }: CaseRuns, subject: string, percentile: Percentile): string | undefined {
  const reasons = runs.filter((run) => run.subject === subject).map((run) => distrust(run.load, percentile));
  const [first] = reasons;
  return reasons.includes(undefined) || first === undefined ? undefined : `${subject}: ${first}`;
}

function noteDistrust(record: Recorder, { title, runs }: CaseRuns, subject: string): void {
  const own = runs.filter((run) => run.subject === subject);
  const reasons = own.flatMap(({ round, load }) => {
    const one = PERCENTILES.map((percentile) => distrust(load, percentile)).filter((reason) => reason !== undefined);
    return one.length === 0 ? [] : [`round ${round}: ${one.join('; ')}`];
  });
  if (reasons.length > 0) record.note(`Not told: ${title}, ${subject}, ${reasons.join(' | ')}.`);
}

/** Percentiles for each level, and the median and p99 over the levels; what cannot be told is not drawn. */
export function recordCharts(record: Recorder, levels: readonly Level[]): void {
  const nines = PERCENTILES.map((percentile) => ({ x: rounded(NINES[percentile]), label: percentile }));
  for (const { seen } of levels) {
    draw(record, seen.subjects, {
      title: `Latency, ${seen.title}`,
      x: { label: 'nines of requests', unit: '' },
      marks: nines,
      points: (name) => PERCENTILES.flatMap((one) => pointOf(middle(seen, name, one), rounded(NINES[one]))),
    });
  }
  for (const percentile of ['p50', 'p99'] as const) {
    draw(record, levels[0]?.seen.subjects ?? [], {
      title: `${percentile} over the load`,
      x: { label: 'of saturation', unit: '%' },
      points: (name) =>
        levels.flatMap(({ share, seen }) => pointOf(middle(seen, name, percentile), Math.round(share * 100))),
    });
  }
}

interface Drawing extends Pick<Chart, 'title' | 'x' | 'marks'> {
  readonly points: (subject: string) => [number, number][];
}

function draw(record: Recorder, subjects: CaseRuns['subjects'], { title, x, marks, points }: Drawing): void {
  const lines = subjects.map(({ name }) => ({ name, points: points(name) })).filter((line) => line.points.length > 0);
  if (lines.length === 0) return;
  record.chart({ title, x, y: { label: 'latency', unit: 'ms' }, lines, ...(marks !== undefined && { marks }) });
}

/** Median of the rounds that may tell it, in milliseconds. */
function middle({ runs }: CaseRuns, subject: string, percentile: Percentile): number | undefined {
  const tells = (run: MeasuredRun): boolean =>
    run.subject === subject && run.problems.length === 0 && distrust(run.load, percentile) === undefined;
  return summarize(runs.filter(tells).map((run) => FIGURES[percentile].of(run)))?.median;
}

const pointOf = (y: number | undefined, x: number): [number, number][] => (y === undefined ? [] : [[x, rounded(y)]]);
