import type { Config } from '../../shared/config/types.ts';
import { METHODS, NO_ROUTE_ROW, PREFLIGHT_ROW, PROBE_ROW, rowOf } from '../../shared/metrics/layout.ts';
import type { MethodLabel, MetricRows } from '../../shared/metrics/layout.ts';

const ALL: ReadonlySet<MethodLabel> = new Set(METHODS);

const isLabel = (method: string): method is MethodLabel => (METHODS as readonly string[]).includes(method);

/** A method as it stands in labels. */
const methodLabel = (method: string): MethodLabel => (isLabel(method) ? method : 'other');

/**
 * Which methods of which route have a series before anybody has asked for them, so that `rate()` sees the first request.
 * What was declared stays: a series that vanishes with a reload and comes back looks like a restart.
 */
export class RequestSeries {
  readonly #byRow = new Map<number, Set<MethodLabel>>([
    [NO_ROUTE_ROW, new Set(ALL)],
    [PROBE_ROW, new Set<MethodLabel>(['GET', 'HEAD'])],
    [PREFLIGHT_ROW, new Set<MethodLabel>(['OPTIONS'])],
  ]);

  declare({ routes }: Config, rows: MetricRows): void {
    for (const { name, methods } of routes) {
      const row = rowOf(rows, 'route', name);
      const declared = this.#byRow.get(row) ?? new Set();
      for (const label of methods?.map(methodLabel) ?? ALL) declared.add(label);
      this.#byRow.set(row, declared);
    }
  }

  has(row: number, method: MethodLabel): boolean {
    return this.#byRow.get(row)?.has(method) ?? false;
  }
}
