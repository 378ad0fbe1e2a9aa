import type { BenchResult, Check, Measure, Ratio } from '../shared/result.ts';
import { summarize } from '../shared/statistics.ts';
import type { Summary } from '../shared/statistics.ts';
import { formatChosen, formatNumber } from './numbers.ts';

/** What one table or chart shows: one metric of one case, a measure for each subject. */
export interface MeasureGroup {
  readonly case: string;
  readonly metric: string;
  readonly unit: string;
  readonly better: Measure['better'];
  readonly measures: readonly Measure[];
}

/** In the order in which cases and metrics were first recorded. */
export function groupMeasures(measures: readonly Measure[]): MeasureGroup[] {
  const groups = new Map<string, MeasureGroup & { readonly measures: Measure[] }>();
  for (const one of measures) {
    const { case: name, metric, unit, better } = one;
    const key = JSON.stringify([name, metric, unit, better]);
    const group = groups.get(key) ?? { case: name, metric, unit, better, measures: [] };
    group.measures.push(one);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** `cpu-per-request` as `CPU per request`. */
export const metricName = (metric: string): string =>
  metric
    .replaceAll('-', ' ')
    .replaceAll(/\bcpu\b/g, 'CPU')
    .replaceAll(/\bredis\b/g, 'Redis');

export const betterText = (better: Measure['better']): string | undefined =>
  better === 'neither' ? undefined : `${better} is better`;

/** What may be said of a ratio. */
export type RatioVerdict =
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'none'; readonly summary: Summary }
  | { readonly kind: 'met' | 'missed'; readonly summary: Summary; readonly target: number };

export function judgeRatio({ samples, refused, better, target }: Ratio): RatioVerdict {
  const summary = summarize(samples);
  if (refused !== undefined) return { kind: 'refused', reason: refused };
  if (summary === undefined) return { kind: 'refused', reason: 'no round in which both were measured' };
  if (target === undefined || better === 'neither') return { kind: 'none', summary };
  const met = better === 'lower' ? summary.median <= target : summary.median >= target;
  return { kind: met ? 'met' : 'missed', summary, target };
}

/** Those that may be told, and those that may not: they stand at the end, with the reason. */
export const toldRatios = ({ ratios }: Pick<BenchResult, 'ratios'>): Ratio[] =>
  ratios.filter((ratio) => judgeRatio(ratio).kind !== 'refused');
export const refusedRatios = ({ ratios }: Pick<BenchResult, 'ratios'>): Ratio[] =>
  ratios.filter((ratio) => judgeRatio(ratio).kind === 'refused');

/** `at most 1.15` or `at least 2`; undefined where there is none. */
export function targetText({ target, better }: Pick<Ratio, 'target' | 'better'>): string | undefined {
  if (target === undefined || better === 'neither') return undefined;
  return `${better === 'lower' ? 'at most' : 'at least'} ${formatChosen(target)}`;
}

export function verdictText(verdict: RatioVerdict): string {
  switch (verdict.kind) {
    case 'refused':
      return `no ratio: ${verdict.reason}`;
    case 'none':
      return 'no target';
    case 'met':
    case 'missed':
      return verdict.kind;
    default:
      return verdict satisfies never;
  }
}

export const checkText = ({ ok }: Check): string => (ok ? 'passed' : 'FAILED');

export type Fact = readonly [name: string, value: string];

export function machineFacts({ machine, commit, dirty, startedAt, tookSeconds }: BenchResult): Fact[] {
  return [
    ['CPU', `${machine.cpu}, ${machine.cores} ${machine.cores === 1 ? 'core' : 'cores'}`],
    ['Memory', `${formatChosen(machine.memoryGiB)} GiB`],
    ['Kernel', machine.kernel],
    ['Node.js', machine.node],
    ['Page-table isolation', machine.pageTableIsolation],
    ['Load before the run', formatChosen(machine.loadBefore)],
    ['Commit', `${commit}${dirty ? ' with changes that are not committed' : ''}`],
    ['Started', `${startedAt}, took ${formatNumber(Math.round(tookSeconds))} s`],
  ];
}

export function methodFacts({ method, tools, options }: BenchResult): Fact[] {
  const { pinned, loadCeilingPerSecond: ceiling } = method;
  const core = (one: number | null): string => (one === null ? 'not pinned' : `core ${one}`);
  const list = (record: BenchResult['options']): string =>
    Object.entries(record)
      .map(([name, value]) => `${name} ${value}`)
      .join(', ') || 'none';
  return [
    ['Load by', method.load],
    ['Rounds', roundsText(method)],
    ['Pinned', `subject: ${core(pinned.subject)}; load: ${core(pinned.load)}`],
    ['The load generator alone', ceiling === null ? 'not measured' : `${formatNumber(Math.round(ceiling))} requests/s`],
    ['Programs', list(tools)],
    ['Options', list(options)],
  ];
}

/** A suite that holds something, or only looks, has rounds and no load runs. */
const roundsText = ({ rounds, secondsPerRun, warmUpSeconds }: BenchResult['method']): string =>
  secondsPerRun === 0
    ? `${rounds}, without load runs`
    : `${rounds} of ${formatChosen(secondsPerRun)} s each, warm-up ${formatChosen(warmUpSeconds)} s`;

/** What takes worth from the figures, in words; said first. */
export function warnings({ options, dirty, checks }: BenchResult): string[] {
  const failed = checks.filter(({ ok }) => !ok).length;
  return [
    ...(options['miniature'] === true
      ? ['A miniature run, as short as possible: it shows that the suite works, its figures mean nothing.']
      : []),
    ...(dirty ? ['Measured with changes that are not committed: nobody else can repeat it exactly.'] : []),
    ...(failed > 0 ? [`${failed} of ${checks.length} checks failed.`] : []),
  ];
}
