import { createHistogram } from 'node:perf_hooks';
import type { RecordableHistogram } from 'node:perf_hooks';
import type { LoadResult } from './plan.ts';

/** Microseconds: HDR, three digits, up to a minute. Recording costs the same whatever the value is. */
export const latencyHistogram = (): RecordableHistogram =>
  createHistogram({ lowest: 1, highest: 60_000_000, figures: 3 });

/** @param ms milliseconds; what took none counts as a microsecond */
export function recordMs(histogram: RecordableHistogram, ms: number): void {
  histogram.record(Math.max(1, Math.round(ms * 1000)));
}

/** 0 where nothing was recorded. */
export const percentileOf = (histogram: RecordableHistogram, percentile: number): number =>
  histogram.count === 0 ? 0 : histogram.percentile(percentile);

type Summary = Pick<LoadResult, 'seconds' | 'p50Us' | 'p90Us' | 'p99Us' | 'p999Us' | 'maxUs' | 'busyCores'>;

/** When a run began, by `performance.now()`, and what this process had used by then. */
export interface RunBegin {
  readonly startedMs: number;
  readonly cpuBefore: NodeJS.CpuUsage;
}

export const runBegins = (startedMs: number): RunBegin => ({ startedMs, cpuBefore: process.cpuUsage() });

/** What every client of our own tells of a run: its length, latencies, and how busy it was itself. */
export function summaryOf(
  latencyUs: RecordableHistogram,
  { startedMs, cpuBefore }: RunBegin,
  endedMs: number,
): Summary {
  const seconds = (endedMs - startedMs) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    seconds,
    p50Us: percentileOf(latencyUs, 50),
    p90Us: percentileOf(latencyUs, 90),
    p99Us: percentileOf(latencyUs, 99),
    p999Us: percentileOf(latencyUs, 99.9),
    maxUs: percentileOf(latencyUs, 100),
    busyCores: (user + system) / 1e6 / seconds,
  };
}
