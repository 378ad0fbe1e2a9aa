import { createHistogram } from 'node:perf_hooks';
import type { RecordableHistogram } from 'node:perf_hooks';
import type { LoadPlan, LoadResult, TimeSlice } from './plan.ts';

interface Slice {
  readonly statuses: Record<string, number>;
  errors: number;
  p99Us: number;
  maxUs: number;
}

/** Counts what a load run sees, in the process that makes the load. Times are milliseconds of one clock. */
export class Tally {
  // HDR, three digits, up to a minute: recording costs the same whatever the value is.
  readonly #latencyUs = createHistogram({ lowest: 1, highest: 60_000_000, figures: 3 });
  readonly #lateUs = createHistogram({ lowest: 1, highest: 60_000_000, figures: 3 });
  readonly #beforeUs = createHistogram({ lowest: 1, highest: 60_000_000, figures: 3 });
  readonly #afterUs = createHistogram({ lowest: 1, highest: 60_000_000, figures: 3 });
  readonly #statuses: Record<string, number> = {};
  readonly #slices: Slice[] = [];
  /** Latencies of the last slice alone: a long run must not keep them all. */
  #inSliceUs: number[] = [];
  readonly #plan: LoadPlan;
  readonly #startedMs: number;
  readonly #cpuBefore = process.cpuUsage();
  #requests = 0;
  #errors = 0;
  #lateSeen = 0;

  constructor(plan: LoadPlan, startedMs: number) {
    this.#plan = plan;
    this.#startedMs = startedMs;
  }

  answered(status: number, latencyMs: number, nowMs: number): void {
    const us = Math.max(1, Math.round(latencyMs * 1000));
    this.#requests++;
    this.#latencyUs.record(us);
    this.#statuses[status] = (this.#statuses[status] ?? 0) + 1;
    const { splitMs } = this.#plan;
    if (splitMs !== undefined) {
      const dueMs = nowMs - latencyMs - this.#startedMs;
      (dueMs < splitMs ? this.#beforeUs : this.#afterUs).record(us);
    }
    const slice = this.#slice(nowMs);
    if (slice === undefined) return;
    slice.statuses[status] = (slice.statuses[status] ?? 0) + 1;
    slice.maxUs = Math.max(slice.maxUs, us);
    this.#inSliceUs.push(us);
  }

  failed(nowMs: number): void {
    this.#errors++;
    const slice = this.#slice(nowMs);
    if (slice !== undefined) slice.errors++;
  }

  /** How much later than due a request left although nothing was in its way. */
  late(lateMs: number): void {
    this.#lateSeen++;
    this.#lateUs.record(Math.max(1, Math.round(lateMs * 1000)));
  }

  result(endedMs: number): LoadResult {
    const seconds = (endedMs - this.#startedMs) / 1000;
    const { user, system } = process.cpuUsage(this.#cpuBefore);
    const at = (percentile: number): number => (this.#requests === 0 ? 0 : this.#latencyUs.percentile(percentile));
    return {
      requests: this.#requests,
      statuses: this.#statuses,
      errors: this.#errors,
      seconds,
      p50Us: at(50),
      p90Us: at(90),
      p99Us: at(99),
      p999Us: at(99.9),
      maxUs: at(100),
      busyCores: (user + system) / 1e6 / seconds,
      ...(this.#lateSeen > 0 && {
        lateP90Us: this.#lateUs.percentile(90),
        lateP99Us: this.#lateUs.percentile(99),
        lateP999Us: this.#lateUs.percentile(99.9),
      }),
      ...(this.#plan.splitMs !== undefined && {
        split: { beforeP99Us: p99(this.#beforeUs), afterP99Us: p99(this.#afterUs) },
      }),
      timeline: this.#timeline(),
      problems: this.#problems(),
    };
  }

  #slice(nowMs: number): Slice | undefined {
    const { timelineMs } = this.#plan;
    if (timelineMs === undefined) return undefined;
    const index = Math.max(0, Math.floor((nowMs - this.#startedMs) / timelineMs));
    if (index >= this.#slices.length) this.#endSlice();
    while (this.#slices.length <= index) this.#slices.push({ statuses: {}, errors: 0, p99Us: 0, maxUs: 0 });
    return this.#slices[index];
  }

  #endSlice(): void {
    const last = this.#slices.at(-1);
    if (last === undefined || this.#inSliceUs.length === 0) return;
    const sorted = this.#inSliceUs.toSorted((a, b) => a - b);
    last.p99Us = sorted[Math.ceil(sorted.length * 0.99) - 1] ?? 0;
    this.#inSliceUs = [];
  }

  #timeline(): TimeSlice[] {
    const { timelineMs = 0 } = this.#plan;
    this.#endSlice();
    return this.#slices.map((slice, i) => ({ atMs: i * timelineMs, ...slice }));
  }

  #problems(): string[] {
    const problems = this.#errors === 0 ? [] : [`requests without an answer: ${this.#errors}`];
    if (this.#requests === 0) problems.push('no request was answered');
    if (this.#plan.request.countStatuses === true) return problems;
    const others = Object.entries(this.#statuses).filter(([status]) => !status.startsWith('2'));
    return [...problems, ...others.map(([status, count]) => `status ${status}: ${count}`)];
  }
}

const p99 = (histogram: RecordableHistogram): number => (histogram.count === 0 ? 0 : histogram.percentile(99));
