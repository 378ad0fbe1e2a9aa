import type { Config } from '../../shared/config/types.ts';
import {
  blockOf,
  createMetricMemory,
  rowStart,
  ROUTE_GAUGES,
  THREAD_GAUGES,
  UPSTREAM_GAUGES,
} from '../../shared/metrics/layout.ts';
import type { MetricRows } from '../../shared/metrics/layout.ts';
import { RequestSeries } from './request-series.ts';
import { MetricRowTable } from './row-table.ts';

/** The front's view of what its request threads count. */
export class MetricMemory {
  readonly buffer: SharedArrayBuffer;
  readonly table = new MetricRowTable();
  readonly requestSeries = new RequestSeries();
  /** One block for each slot, read only. */
  readonly blocks: readonly Float64Array[];
  #rows: MetricRows;

  /** @param slots of request threads, used or not */
  constructor(slots: number, config: Config) {
    this.buffer = createMetricMemory(slots);
    this.blocks = Array.from({ length: slots }, (_, slot) => blockOf(this.buffer, slot));
    this.#rows = this.#assign(config);
  }

  /** For threads that use the newest configuration. */
  rows(): MetricRows {
    return this.#rows;
  }

  /** A new configuration, before the threads get it. */
  configure(config: Config): void {
    this.#rows = this.#assign(config);
  }

  /** The thread has exited: what it said of the moment no longer holds; what it counted stays. */
  threadGone(slot: number): void {
    const block = this.blocks[slot];
    if (block === undefined) return;
    for (const column of THREAD_GAUGES) block[column] = 0;
    for (const row of this.table.named('route').values()) {
      for (const column of ROUTE_GAUGES) block[rowStart('route', row) + column] = 0;
    }
    for (const row of this.table.named('upstream').values()) {
      for (const column of UPSTREAM_GAUGES) block[rowStart('upstream', row) + column] = 0;
    }
  }

  #assign(config: Config): MetricRows {
    const rows = this.table.assign(config);
    this.requestSeries.declare(config, rows);
    return rows;
  }
}
