import {
  blockOf,
  createMetricMemory,
  LIMIT_MODES,
  LIMIT_OUTCOMES,
  RULE,
  rowStart,
} from '../../src/shared/metrics/layout.ts';
import type { MetricRows } from '../../src/shared/metrics/layout.ts';
import { ThreadMetrics } from '../../src/workers/gateway/metrics/thread-metrics.ts';

export const ROWS: MetricRows = { route: { all: 3 }, upstream: { demo: 3 }, rule: { default: 3, daily: 4 } };

/** What a request thread counts with, and the numbers as the front sees them. */
export interface CountedThread {
  readonly metrics: ThreadMetrics;
  /** A number of the block. */
  readonly at: (column: number) => number;
  /** Decisions about a rule by outcome, those of this mode. */
  decisions(mode: (typeof LIMIT_MODES)[number], rule?: string): Record<(typeof LIMIT_OUTCOMES)[number], number>;
}

export function countedThread(memory = createMetricMemory(1)): CountedThread {
  const block = blockOf(memory, 0);
  const at = (column: number): number => block[column] ?? Number.NaN;
  return {
    metrics: new ThreadMetrics({ metrics: memory, slot: 0, metricRows: ROWS }),
    at,
    decisions(mode, rule = 'default') {
      const start =
        rowStart('rule', ROWS.rule[rule] ?? 0) + RULE.decisions + LIMIT_MODES.indexOf(mode) * LIMIT_OUTCOMES.length;
      return { granted: at(start), refused: at(start + 1), unavailable: at(start + 2) };
    },
  };
}

/** How many observations a histogram has. */
export const observations = ({ at }: CountedThread, start: number, edges: readonly number[]): number =>
  Array.from({ length: edges.length + 1 }, (_, bucket) => at(start + bucket)).reduce((sum, count) => sum + count, 0);
