import type { LoadPlan, LoadResult, TimeSlice } from './plan.ts';
import { latencyHistogram, percentileOf, recordMs, runBegins, summaryOf } from './summary.ts';
import type { RunBegin } from './summary.ts';

interface Slice {
  readonly statuses: Record<string, number>;
  errors: number;
  p99Us: number;
  maxUs: number;
}

/** Counts what a load run sees, in the process that makes the load. Times are milliseconds of one clock. */
export class Tally {
  readonly #latencyUs = latencyHistogram();
  readonly #lateUs = latencyHistogram();
  /** Of each part of the run; empty where it has none. */
  readonly #partsUs: readonly ReturnType<typeof latencyHistogram>[];
  readonly #statuses: Record<string, number> = {};
  readonly #slices: Slice[] = [];
  /** Latencies of the last slice alone: a long run must not keep them all. */
  #inSliceUs: number[] = [];
  readonly #plan: LoadPlan;
  readonly #begin: RunBegin;
  #requests = 0;
  #errors = 0;

  constructor(plan: LoadPlan, startedMs: number) {
    this.#plan = plan;
    this.#begin = runBegins(startedMs);
    const { splitsMs } = plan;
    this.#partsUs = splitsMs === undefined ? [] : Array.from({ length: splitsMs.length + 1 }, latencyHistogram);
  }

  answered(status: number, latencyMs: number, nowMs: number): void {
    const us = Math.max(1, Math.round(latencyMs * 1000));
    this.#requests++;
    this.#latencyUs.record(us);
    this.#statuses[status] = (this.#statuses[status] ?? 0) + 1;
    const { splitsMs } = this.#plan;
    if (splitsMs !== undefined) {
      const dueMs = nowMs - latencyMs - this.#begin.startedMs;
      this.#partsUs.at(splitsMs.findIndex((splitMs) => dueMs < splitMs))?.record(us); // -1, behind all splits: the last
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
    recordMs(this.#lateUs, lateMs);
  }

  result(endedMs: number): LoadResult {
    return {
      requests: this.#requests,
      statuses: this.#statuses,
      errors: this.#errors,
      ...summaryOf(this.#latencyUs, this.#begin, endedMs),
      ...(this.#lateUs.count > 0 && {
        lateP90Us: percentileOf(this.#lateUs, 90),
        lateP99Us: percentileOf(this.#lateUs, 99),
        lateP999Us: percentileOf(this.#lateUs, 99.9),
      }),
      ...(this.#partsUs.length > 0 && { partsP99Us: this.#partsUs.map((partUs) => percentileOf(partUs, 99)) }),
      timeline: this.#timeline(),
      problems: this.#problems(),
    };
  }

  #slice(nowMs: number): Slice | undefined {
    const { timelineMs } = this.#plan;
    if (timelineMs === undefined) return undefined;
    const index = Math.max(0, Math.floor((nowMs - this.#begin.startedMs) / timelineMs));
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
