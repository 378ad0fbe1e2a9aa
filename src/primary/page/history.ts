import { DURATION_EDGES_SECONDS } from '../../shared/metrics/histogram.ts';
import { percentile } from '../../shared/metrics/percentile.ts';
import type { Totals } from './totals.ts';

/** What is kept of each second. Rates are per second, times in seconds; NaN: there was no request. */
export const COLUMNS = [
  'requests',
  'errors5xx',
  'refused429',
  'p50',
  'p95',
  'p99',
  'inFlight',
  'connections',
  'bytesReceived',
  'bytesSent',
  'loop',
  'sockets',
] as const;
export type Column = (typeof COLUMNS)[number];

/** An hour. */
export const HISTORY_SECONDS = 3_600;

/** What there is at the moment, beside the counters. */
export interface Gauges {
  readonly inFlight: number;
  readonly connections: number;
  /** Share of the time that the front's loop was busy, 0 to 1. */
  readonly loop: number;
}

const INDEX = Object.fromEntries(COLUMNS.map((name, at) => [name, at])) as Record<Column, number>;
const BUCKETS = DURATION_EDGES_SECONDS.length + 1;
/** A gap that a stopped process or a suspended machine leaves is not filled with rates. */
const LONGEST_GAP_SECONDS = 5;

/** How to sum seconds up: the mean, its mean by requests, or the worst of them. */
const WORST: ReadonlySet<Column> = new Set(['p95', 'p99', 'inFlight', 'loop']);

/** Seconds of a stretch as one value each, the oldest first; null: nothing is known of it, or there was no request. */
export type Series = Readonly<Record<Column, readonly (number | null)[]>>;

/** The last hour of a node, a second a row: 345 KB, whatever happens. */
export class History {
  readonly #rows = new Float64Array(HISTORY_SECONDS * COLUMNS.length).fill(Number.NaN);
  readonly #before = { requests: 0, errors5xx: 0, refused429: 0, bytesReceived: 0, bytesSent: 0 };
  readonly #durations = new Float64Array(BUCKETS);
  readonly #since = new Float64Array(BUCKETS);
  /** Number of the second that is written next. */
  #seconds: number;
  #lastMs: number;

  /** @param nowMs on a clock that only goes forward */
  constructor(nowMs: number) {
    this.#seconds = Math.floor(nowMs / 1000) + 1;
    this.#lastMs = nowMs;
  }

  /** Takes what had been counted before the first second. */
  begin(totals: Totals): void {
    for (const name of ['requests', 'errors5xx', 'refused429', 'bytesReceived', 'bytesSent'] as const) {
      this.#before[name] = totals[name];
    }
    this.#durations.set(totals.durations);
  }

  /** Number of the second that was written last; seconds are counted on a clock of this process. */
  get second(): number {
    return this.#seconds - 1;
  }

  /** Takes what was counted since the last time; called about once a second, later where the front was busy. */
  add(totals: Totals, gauges: Gauges, nowMs: number): void {
    const passed = (nowMs - this.#lastMs) / 1000;
    const until = Math.floor(nowMs / 1000);
    if (until <= this.#seconds - 1 || passed <= 0) return;
    const first = Math.max(this.#seconds, until - LONGEST_GAP_SECONDS + 1);
    for (let second = this.#seconds; second < first; second++) this.#row(second).fill(Number.NaN);
    const row = this.#row(until);
    this.#fill(row, totals, passed);
    row[INDEX.inFlight] = gauges.inFlight;
    row[INDEX.connections] = gauges.connections;
    row[INDEX.loop] = gauges.loop;
    row[INDEX.sockets] = totals.socketsOpen;
    for (let second = first; second < until; second++) this.#row(second).set(row);
    this.#seconds = until + 1;
    this.#lastMs = nowMs;
  }

  /** A value of the second that was written last; NaN where there is none. */
  last(column: Column): number {
    return this.#value(this.second, column);
  }

  /** Sum of a rate over the last seconds, those without a value left out. */
  sum(column: Column, seconds: number): number {
    let sum = 0;
    for (let back = 0; back < seconds; back++) {
      const value = this.#value(this.second - back, column);
      if (!Number.isNaN(value)) sum += value;
    }
    return sum;
  }

  /**
   * The last seconds in steps, whose borders stay where they are as time goes on.
   * @returns the values of each column, and the second at which the last step begins
   */
  series(seconds: number, step: number): { readonly lastStep: number; readonly series: Series } {
    const lastStep = Math.floor(this.second / step) * step;
    const starts = Array.from({ length: seconds / step }, (_, i) => lastStep - seconds + step * (i + 1));
    const columns = COLUMNS.map((column) => [column, starts.map((start) => this.#summed(column, start, step))]);
    return { lastStep, series: Object.fromEntries(columns) as Series };
  }

  #fill(row: Float64Array, totals: Totals, passed: number): void {
    for (const name of ['requests', 'errors5xx', 'refused429', 'bytesReceived', 'bytesSent'] as const) {
      row[INDEX[name]] = Math.max(0, totals[name] - this.#before[name]) / passed;
      this.#before[name] = totals[name];
    }
    let count = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const total = totals.durations[bucket] ?? 0;
      const since = Math.max(0, total - (this.#durations[bucket] ?? 0));
      this.#since[bucket] = since;
      this.#durations[bucket] = total;
      count += since;
    }
    for (const [name, share] of [
      ['p50', 0.5],
      ['p95', 0.95],
      ['p99', 0.99],
    ] as const) {
      row[INDEX[name]] = count === 0 ? NaN : percentile(this.#since, DURATION_EDGES_SECONDS, share * count).seconds;
    }
  }

  #summed(column: Column, start: number, step: number): number | null {
    let [sum, weight, worst] = [0, 0, Number.NaN];
    for (let second = start; second < start + step; second++) {
      const value = this.#value(second, column);
      if (Number.isNaN(value)) continue;
      const share = column === 'p50' ? this.#value(second, 'requests') : 1;
      sum += value * share;
      weight += share;
      worst = worst > value ? worst : value;
    }
    if (Number.isNaN(worst)) return null;
    return rounded(WORST.has(column) || weight === 0 ? worst : sum / weight);
  }

  #value(second: number, column: Column): number {
    if (second < 0 || second >= this.#seconds || second < this.#seconds - HISTORY_SECONDS) return Number.NaN;
    return this.#rows[(second % HISTORY_SECONDS) * COLUMNS.length + INDEX[column]] ?? Number.NaN;
  }

  #row(second: number): Float64Array {
    const at = (second % HISTORY_SECONDS) * COLUMNS.length;
    return this.#rows.subarray(at, at + COLUMNS.length);
  }
}

/** Four digits say all that a chart shows. */
const rounded = (value: number): number => (value === 0 ? 0 : Number(value.toPrecision(4)));
