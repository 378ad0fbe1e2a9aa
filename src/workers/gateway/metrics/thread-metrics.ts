import { BATCH_SIZE_EDGES, bucketOf, DURATION_EDGES_SECONDS } from '../../../shared/metrics/histogram.ts';
import {
  blockOf,
  REFUSAL_CODES,
  refusedColumn,
  rowOf,
  rowStart,
  shedColumn,
  THREAD,
} from '../../../shared/metrics/layout.ts';
import type { Priority } from '../../../shared/overload/priority.ts';
import type { MetricRows, RowKind, ShedReason } from '../../../shared/metrics/layout.ts';
import type { RequestThreadStart } from '../../../shared/threads/protocol.ts';

const REFUSED_COLUMNS: ReadonlyMap<string, number> = new Map(REFUSAL_CODES.map((code) => [code, refusedColumn(code)]));

const SHED_BY_CODE: ReadonlyMap<string, ShedReason> = new Map([
  ['upstream_overloaded', 'upstream'],
  ['upstream_queue_full', 'upstream'],
  ['too_many_in_flight', 'client'],
  ['gateway_overloaded', 'loop'],
]);

/** For measuring by hand what counting costs: with `false` nothing is counted. Not an option of the product. */
export const COUNTING: boolean = true;

/**
 * What one request thread counts, in its own block of the shared memory: nobody else writes there, so plain stores do.
 * The block is never emptied, because a thread that replaces a dead one goes on from what that one had counted.
 * Columns are those of layout.ts; of a row, its start plus the column.
 */
export class ThreadMetrics {
  readonly #numbers: Float64Array;
  #rows: MetricRows;

  constructor({ metrics, slot, metricRows }: Pick<RequestThreadStart, 'metrics' | 'slot' | 'metricRows'>) {
    this.#numbers = blockOf(metrics, slot);
    this.#rows = metricRows;
  }

  /** The rows of a new configuration, before anything is made from it. */
  configure(rows: MetricRows): void {
    this.#rows = rows;
  }

  /** Where a name's row starts: for when configuration is read, not for each request. A name never changes its row. */
  startOf(kind: RowKind, name: string): number {
    return rowStart(kind, rowOf(this.#rows, kind, name));
  }

  add(column: number, count = 1): void {
    if (COUNTING) this.#numbers[column] = (this.#numbers[column] as number) + count;
  }

  /** A client was refused or closed on, if the code is one of REFUSAL_CODES: most answers of our own are no refusals of the front. */
  refused(code: string): void {
    const column = REFUSED_COLUMNS.get(code);
    if (column !== undefined) this.add(column);
  }

  /** The same of a request that was refused because more came than could be served. */
  shed(code: string, priority: Priority): void {
    const reason = SHED_BY_CODE.get(code);
    if (reason !== undefined) this.add(shedColumn(reason, priority));
  }

  /** For gauges. */
  set(column: number, value: number): void {
    if (COUNTING) this.#numbers[column] = value;
  }

  /** One observation in the histogram of durations that starts at `start`. */
  addSeconds(start: number, seconds: number): void {
    this.#observe(start, seconds, DURATION_EDGES_SECONDS);
  }

  /** One flush of so many requests. */
  addBatch(requests: number): void {
    this.#observe(THREAD.batchSize, requests, BATCH_SIZE_EDGES);
  }

  #observe(start: number, value: number, edges: readonly number[]): void {
    if (!COUNTING) return;
    this.add(start + bucketOf(value, edges));
    this.add(start + edges.length + 1, value);
  }
}
