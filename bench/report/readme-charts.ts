import type { BenchResult, Measure } from '../shared/result.ts';
import { summarize } from '../shared/statistics.ts';
import type { BarDrawing } from './drawing.ts';
import { axisText, measureRow } from './drawings.ts';
import { newestFirst } from './newest-first.ts';
import { renderChartSvg } from './svg.ts';

export interface ReadmeChart {
  /** File name in `bench/results/`. */
  readonly name: string;
  readonly svg: string;
}

interface ReadmeDrawing {
  readonly name: string;
  readonly drawing: BarDrawing;
  readonly from: BenchResult;
}

/**
 * The two charts the README shows, as far as the results hold them: CPU per request of every subject in the first GET
 * case of `cost`, and CPU per limited request with Redis, of one key and of many, in `limits`; or what `quick` has of
 * them, where that is newer.
 */
export function readmeDrawings(results: readonly BenchResult[]): ReadmeDrawing[] {
  const charts = [
    { name: 'cost.svg', suite: 'cost', draw: costChart },
    { name: 'limits.svg', suite: 'limits', draw: limitsChart },
  ];
  return charts.flatMap(({ name, suite, draw }) => {
    const drawn = newestFirst(results, [suite, 'quick']).flatMap((from) => {
      const drawing = draw(from);
      return drawing === undefined ? [] : [{ name, drawing, from }];
    });
    return drawn.slice(0, 1);
  });
}

export const renderReadmeCharts = (results: readonly BenchResult[]): ReadmeChart[] =>
  readmeDrawings(results).map(({ name, drawing, from }) => ({ name, svg: renderChartSvg(drawing, provenance(from)) }));

function costChart(result: BenchResult): BarDrawing | undefined {
  const cpu = result.measures.filter(({ metric }) => metric === 'cpu-per-request');
  const name = cpu.find((one) => /^GET\b/.test(one.case))?.case;
  const measures = byMedian(cpu.filter((one) => one.case === name));
  const [first] = measures;
  if (first === undefined || name === undefined) return undefined;
  const rows = measures.map((one) => measureRow(one, one.subject));
  return { kind: 'bars', title: `CPU per request, ${name}`, axis: axisText(first), rows };
}

function limitsChart(result: BenchResult): BarDrawing | undefined {
  const cpu = result.measures.filter(({ metric }) => metric.startsWith('cpu-per-request'));
  // Where the share of Redis is told apart, the sum is what counts.
  const withRedis = cpu.filter(({ metric }) => metric.includes('with-redis'));
  const cases = [/\bone\b.*\bkey\b/i, /\b10[, ]?000 keys\b/i];
  const rows = cases.flatMap((pattern) => {
    const used = withRedis.length > 0 ? withRedis : cpu;
    const name = used.find((one) => pattern.test(one.case))?.case; // the first: nothing refused
    const own = byMedian(used.filter((one) => one.case === name));
    return own.map((one) => measureRow(one, one.subject, one.case));
  });
  const [first] = withRedis.length > 0 ? withRedis : cpu;
  if (first === undefined || rows.length === 0) return undefined;
  const title = 'CPU per limited request, Redis included';
  const axis = axisText({
    ...first,
    metric: first.metric === 'cpu-per-request' ? 'cpu-per-request-with-redis' : first.metric,
  });
  return { kind: 'bars', title, axis, rows };
}

const byMedian = (measures: readonly Measure[]): Measure[] => measures.toSorted((a, b) => median(a) - median(b));

const median = ({ samples }: Measure): number => summarize(samples)?.median ?? Number.POSITIVE_INFINITY;

function provenance({ method, machine, commit, dirty, startedAt }: BenchResult): string {
  const rounds = `Median of ${method.rounds} rounds, whisker: lowest and highest round.`;
  const where = `${machine.cpu}, ${machine.cores} cores, Linux ${machine.kernel}, Node.js ${machine.node}`;
  const what = `commit ${commit.slice(0, 10)}${dirty ? ' with uncommitted changes' : ''}, ${startedAt.slice(0, 10)}`;
  return `${rounds} ${where}; ${what}.`;
}
