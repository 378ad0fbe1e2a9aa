import { FIGURES, recordMeasures, recordRatio } from '../../shared/figures.ts';
import type { FigureName } from '../../shared/figures.ts';
import { runCase } from '../../shared/load-case.ts';
import type { CaseContext, CaseRuns, LoadCase } from '../../shared/load-case.ts';
import type { MeasuredRun } from '../../shared/measured-run.ts';
import type { Chart } from '../../shared/result.ts';
import { summarize } from '../../shared/statistics.ts';
import type { Subject } from '../../shared/subject.ts';
import { machineLimit } from './machine-limit.ts';

const MEASURED: readonly FigureName[] = [
  'cpu-per-request',
  'cpu-redis',
  'scripts-per-request',
  'commands-per-request',
  'throughput',
];

interface ScaleChart {
  readonly title: string;
  readonly y: Chart['y'];
  readonly lines: readonly { readonly name: string; readonly of: (run: MeasuredRun) => number }[];
}

const CHARTS: readonly ScaleChart[] = [
  {
    title: 'CPU per request',
    y: { label: 'CPU per request', unit: 'µs' },
    lines: [
      { name: 'gateways and Redis', of: FIGURES['cpu-per-request'].of },
      { name: 'Redis', of: FIGURES['cpu-redis'].of },
    ],
  },
  {
    title: 'Redis commands per request',
    y: { label: 'per request', unit: '' },
    lines: [
      { name: 'scripts', of: FIGURES['scripts-per-request'].of },
      { name: 'commands', of: FIGURES['commands-per-request'].of },
    ],
  },
  {
    title: 'Throughput',
    y: { label: 'throughput', unit: 'req/s' },
    lines: [{ name: 'gateways', of: FIGURES.throughput.of }],
  },
];

export interface ScaleCase extends Pick<LoadCase, 'title' | 'request' | 'path'> {
  /** What grows, such as `nodes`. */
  readonly of: string;
  /** How many each subject has; the first is what the others are held against. */
  readonly counts: readonly number[];
  readonly subjects: readonly Subject[];
}

/** Lets subjects of different size take turns, and records figures, ratios to the smallest, and how they grow. */
export async function measureScale(context: CaseContext, scaled: ScaleCase): Promise<CaseRuns> {
  const { record, session } = context;
  const { subjects, counts, of, title } = scaled;
  const seen = await runCase(context, scaled);
  recordMeasures(record, seen, MEASURED);
  const [smallest, ...larger] = subjects;
  if (smallest === undefined) return seen;
  for (const { name } of larger) {
    recordRatio(record, seen, { subject: name, against: smallest.name, metric: 'cpu-per-request' });
    recordThroughput(context, seen, { subject: name, against: smallest.name });
  }
  for (const { title: what, y, lines } of CHARTS) {
    const drawn = lines.map(({ name, of }) => ({ name, points: medians(seen, counts, of) }));
    if (drawn.some(({ points }) => points.length === 0)) continue;
    record.chart({ title: `${what}: ${title}`, x: { label: of, unit: '' }, y, lines: drawn });
  }
  const full = subjects.filter(({ name }) => machineLimit(runsOf(seen, name), session.machine.cores) !== undefined);
  if (full.length > 0) {
    const names = full.map(({ name }) => name).join(', ');
    record.note(`${title}: the machine, not the gateway, was the limit of throughput with ${names}.`);
  }
  return seen;
}

const runsOf = ({ runs }: CaseRuns, name: string): MeasuredRun[] =>
  runs.filter(({ subject, problems }) => subject === name && problems.length === 0);

/** Refused where the larger one had no cores to grow on, else as every ratio of throughput. */
function recordThroughput(
  { record, session }: CaseContext,
  seen: CaseRuns,
  { subject, against }: { readonly subject: string; readonly against: string },
): void {
  const limit = machineLimit(runsOf(seen, subject), session.machine.cores);
  if (limit === undefined) return recordRatio(record, seen, { subject, against, metric: 'throughput' });
  const refused = `${subject}: ${limit}`;
  record.ratio({
    case: seen.title,
    subject,
    against,
    metric: 'throughput',
    better: 'higher',
    samples: [],
    refused,
  });
}

/** A point for each size that has a run which may be used. */
function medians(seen: CaseRuns, counts: readonly number[], of: (run: MeasuredRun) => number): [number, number][] {
  return seen.subjects.flatMap(({ name }, i): [number, number][] => {
    const median = summarize(runsOf(seen, name).map(of))?.median;
    const count = counts[i];
    return median === undefined || count === undefined ? [] : [[count, median]];
  });
}
