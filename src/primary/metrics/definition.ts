import { DURATION_EDGES_SECONDS } from '../../shared/metrics/histogram.ts';
import type { HistogramSums } from './block-sums.ts';

export type Labels = Readonly<Record<string, string | number>>;

/** One line of the exposition, in the form that prom-client's Registry renders. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
  /** Where it is not the metric's: `…_bucket`, `…_sum`, `…_count`. */
  readonly metricName?: string;
  /** Labels that many lines have in common, the same object for all of them: prom-client writes them down once. */
  readonly sharedLabels?: Labels;
}

/** A metric whose numbers lie elsewhere and are read when somebody asks. */
export interface MetricDefinition {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** No samples: the metric is left out, because nothing is known. */
  read(): readonly Sample[];
}

/** One number: `undefined` = not known. */
const single = (value: number | undefined): readonly Sample[] => (value === undefined ? [] : [{ labels: {}, value }]);

const asSamples = (read: () => readonly Sample[] | number | undefined) => () => {
  const result = read();
  return typeof result === 'object' ? result : single(result);
};

/** Only goes up while the process lives. */
export const counter = (
  name: string,
  help: string,
  read: () => readonly Sample[] | number | undefined,
): MetricDefinition => ({ name, help, type: 'counter', read: asSamples(read) });

export const gauge = (
  name: string,
  help: string,
  read: () => readonly Sample[] | number | undefined,
): MetricDefinition => ({ name, help, type: 'gauge', read: asSamples(read) });

/** Buckets of what clients and upstreams take: 1 ms to 10 s. Alerts and dashboards name these edges. */
const EXPOSED_DURATION_EDGES = DURATION_EDGES_SECONDS.filter((edge) => edge >= 0.001);

/** One histogram and the labels it has. */
export interface LabelledHistogram {
  readonly labels: Labels;
  readonly sums: HistogramSums;
}

/** @param read edges that `shown` lacks are merged into the next one that it has */
export const histogram = (
  text: { readonly name: string; readonly help: string },
  read: () => readonly LabelledHistogram[],
  shown: readonly number[] = EXPOSED_DURATION_EDGES,
): MetricDefinition => ({
  ...text,
  type: 'histogram',
  read: () => read().flatMap((each) => bucketLines(text.name, each, shown)),
});

function bucketLines(name: string, { labels, sums }: LabelledHistogram, shown: readonly number[]): Sample[] {
  const lines: Sample[] = [];
  let below = 0;
  let next = 0;
  for (const [i, edge] of sums.edges.entries()) {
    below += sums.counts[i] ?? 0;
    if (edge !== shown[next]) continue;
    next++;
    lines.push({ metricName: `${name}_bucket`, labels: { le: edge }, sharedLabels: labels, value: below });
  }
  const count = below + (sums.counts[sums.edges.length] ?? 0);
  lines.push({ metricName: `${name}_bucket`, labels: { le: '+Inf' }, sharedLabels: labels, value: count });
  lines.push({ metricName: `${name}_sum`, labels: {}, sharedLabels: labels, value: sums.sum });
  lines.push({ metricName: `${name}_count`, labels: {}, sharedLabels: labels, value: count });
  return lines;
}
