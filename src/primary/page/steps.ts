import { DURATION_EDGES_SECONDS } from '../../shared/metrics/histogram.ts';
import { percentile } from '../../shared/metrics/percentile.ts';

/** Seconds of one step, and how many steps are kept: more than a chart shows, since the newest come late from other nodes. */
export const STEP_SIZES = { 1: 80, 5: 200, 20: 200 } as const;
export type StepSize = keyof typeof STEP_SIZES;
export const SIZES: readonly StepSize[] = [1, 5, 20];

/** So long what a node has counted is kept for the others. */
export const HISTORY_SECONDS = 3_600;

/** What was counted in a step. */
export const COUNTED = ['requests', 'errors5xx', 'refused429', 'bytesReceived', 'bytesSent'] as const;
/** What there was at most in a step. */
export const GAUGED = ['inFlight', 'connections', 'sockets', 'loop'] as const;
export type Counted = (typeof COUNTED)[number];
export type Gauged = (typeof GAUGED)[number];
export type Column = Counted | Gauged | 'p50' | 'p95' | 'p99';

export const BUCKETS = DURATION_EDGES_SECONDS.length + 1;

/** Some seconds of one node. */
export interface Step {
  /** The second of the Unix epoch at which it begins; a multiple of its size. */
  readonly at: number;
  /** So many of its seconds are known: fewer than its size at a start, or while it lasts. */
  seconds: number;
  readonly counted: Record<Counted, number>;
  readonly gauged: Record<Gauged, number>;
  /** Of durations, one for each edge and one above the last; not cumulative. */
  readonly durations: Float64Array;
}

export const emptyStep = (at: number): Step => ({
  at,
  seconds: 0,
  counted: { requests: 0, errors5xx: 0, refused429: 0, bytesReceived: 0, bytesSent: 0 },
  gauged: { inFlight: 0, connections: 0, sockets: 0, loop: 0 },
  durations: new Float64Array(BUCKETS),
});

/** Adds what a part of the step's time has brought. */
export function addTo(step: Step, part: Step): void {
  step.seconds += part.seconds;
  for (const name of COUNTED) step.counted[name] += part.counted[name];
  for (const name of GAUGED) step.gauged[name] = Math.max(step.gauged[name], part.gauged[name]);
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    step.durations[bucket] = (step.durations[bucket] ?? 0) + (part.durations[bucket] ?? 0);
  }
}

/** Values of each column, the oldest first; null: nothing is known of that step, or there was no request. */
export type Series = Readonly<Record<Column, (number | null)[]>>;

const COLUMNS: readonly Column[] = [...COUNTED, ...GAUGED, 'p50', 'p95', 'p99'];
const SHARES = [
  ['p50', 0.5],
  ['p95', 0.95],
  ['p99', 0.99],
] as const;

/** Rates and percentiles of a step; null: nothing is known of it, or there was no request. */
export type StepValues = Readonly<Record<Column, number | null>>;

/** Steps of the same time of several nodes as one: rates add up, percentiles are of all their requests. */
function merged(steps: readonly Step[]): StepValues {
  const values = Object.fromEntries(COLUMNS.map((name) => [name, null])) as Record<Column, number | null>;
  if (steps.length === 0) return values;
  for (const name of COUNTED) {
    values[name] = rounded(steps.reduce((sum, { counted, seconds }) => sum + counted[name] / Math.max(1, seconds), 0));
  }
  for (const name of GAUGED) {
    const each = steps.map(({ gauged }) => gauged[name]);
    values[name] = rounded(name === 'loop' ? Math.max(...each) : each.reduce((sum, value) => sum + value, 0));
  }
  const durations = Array.from({ length: BUCKETS }, (_, at) =>
    steps.reduce((sum, step) => sum + (step.durations[at] ?? 0), 0),
  );
  const count = durations.reduce((sum, each) => sum + each, 0);
  if (count === 0) return values;
  for (const [name, share] of SHARES) {
    values[name] = rounded(percentile(durations, DURATION_EDGES_SECONDS, share * count).seconds);
  }
  return values;
}

/**
 * Rows of a chart, each worked out once: what is over does not change.
 * One that was worked out of other steps, as when a node's come late, or while it lasted, is worked out anew.
 */
export class ChartRows {
  readonly #known = new Map<
    number,
    { readonly steps: readonly Step[]; readonly seconds: number; readonly row: StepValues }
  >();

  /** @param stepsOf what is known of each node at the step that begins at this second */
  series(starts: readonly number[], stepsOf: (at: number) => readonly Step[]): Series {
    const [oldest = 0] = starts;
    for (const at of this.#known.keys()) if (at < oldest) this.#known.delete(at);
    return columnsOf(starts.map((at) => this.#row(at, stepsOf(at))));
  }

  #row(at: number, steps: readonly Step[]): StepValues {
    const known = this.#known.get(at);
    const seconds = steps.reduce((sum, step) => sum + step.seconds, 0);
    const isSame =
      known?.seconds === seconds &&
      known.steps.length === steps.length &&
      steps.every((step, i) => step === known.steps[i]);
    if (isSame) return known.row;
    const row = merged(steps);
    this.#known.set(at, { steps, seconds, row });
    return row;
  }
}

function columnsOf(rows: readonly StepValues[]): Series {
  return Object.fromEntries(COLUMNS.map((name) => [name, rows.map((row) => row[name])])) as Series;
}

/** Percentiles and rates of a single step. */
export const valuesOf = (step: Step): StepValues => merged([step]);

/** Four digits say all that a chart shows. */
const rounded = (value: number): number => (value === 0 ? 0 : Number(value.toPrecision(4)));

/** As a line for other nodes: begin, seconds, counts, gauges, and durations as `bucket:count`, those without any left out. */
export function stepText({ at, seconds, counted, gauged, durations }: Step): string {
  const numbers = [...COUNTED.map((name) => counted[name]), ...GAUGED.map((name) => gauged[name])];
  const buckets = [...durations].flatMap((count, bucket) => (count > 0 ? `${bucket}:${short(count)}` : []));
  return [at, seconds, ...numbers.map(short), buckets.join(',')].join(' ');
}

const short = (value: number): number => Math.round(value * 1000) / 1000;

const NUMBERS = 2 + COUNTED.length + GAUGED.length;

/** A line of a node, as others may have written it. @returns `undefined`: it is none */
export function parseStep(text: string): Step | undefined {
  const parts = text.split(' ');
  if (parts.length !== NUMBERS + 1) return undefined;
  const numbers = parts.slice(0, NUMBERS).map(Number);
  if (!numbers.every((value) => Number.isFinite(value) && value >= 0 && value < Number.MAX_SAFE_INTEGER)) return;
  const [at = 0, seconds = 0, ...rest] = numbers;
  const step = { ...emptyStep(at), seconds };
  COUNTED.forEach((name, i) => (step.counted[name] = rest[i] ?? 0));
  GAUGED.forEach((name, i) => (step.gauged[name] = rest[COUNTED.length + i] ?? 0));
  for (const pair of (parts[NUMBERS] ?? '').split(',')) {
    const [bucket = '', count = ''] = pair.split(':');
    const value = Number(count);
    if (/^\d{1,2}$/.test(bucket) && Number(bucket) < BUCKETS && value > 0 && Number.isFinite(value)) {
      step.durations[Number(bucket)] = value;
    }
  }
  return step;
}
