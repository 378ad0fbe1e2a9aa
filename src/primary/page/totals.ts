import { DURATION_EDGES_SECONDS } from '../../shared/metrics/histogram.ts';
import { firstRequestColumn, METHODS, OTHER_ROW, ROUTE, rowStart, UPSTREAM } from '../../shared/metrics/layout.ts';
import type { MetricMemory } from '../metrics/metric-memory.ts';

const BUCKETS = DURATION_EDGES_SECONDS.length + 1;
const METHOD_COLUMNS = METHODS.map(firstRequestColumn);

/** What the threads have counted since the start, over all routes. The same object is filled again by each read. */
export class Totals {
  requests = 0;
  errors5xx = 0;
  refused429 = 0;
  bytesReceived = 0;
  bytesSent = 0;
  socketsOpen = 0;
  /** Of durations, one for each edge and one above the last; not cumulative. */
  readonly durations = new Float64Array(BUCKETS);

  /** Reads the shared memory. Runs once a second for as long as the process lives, so it makes nothing. */
  read({ blocks, table }: Pick<MetricMemory, 'blocks' | 'table'>): void {
    this.requests = 0;
    this.errors5xx = 0;
    this.refused429 = 0;
    this.bytesReceived = 0;
    this.bytesSent = 0;
    this.socketsOpen = 0;
    this.durations.fill(0);
    for (const row of table.named('route').values()) {
      for (const block of blocks) this.#add(block, rowStart('route', row));
    }
  }

  #add(block: Float64Array, start: number): void {
    for (const column of METHOD_COLUMNS) {
      this.requests += block[start + column] ?? 0;
      this.errors5xx += block[start + column + 1] ?? 0;
      this.refused429 += block[start + column + 2] ?? 0;
    }
    this.bytesReceived += block[start + ROUTE.bytesReceived] ?? 0;
    this.bytesSent += block[start + ROUTE.bytesSent] ?? 0;
    this.socketsOpen += block[start + ROUTE.socketsOpen] ?? 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      this.durations[bucket] = (this.durations[bucket] ?? 0) + (block[start + ROUTE.duration + bucket] ?? 0);
    }
  }
}

/** Numbers of one upstream, over all threads. */
export interface UpstreamTotals {
  readonly upstream: string;
  readonly requests: number;
  readonly retries: number;
  readonly connectFailures: number;
  readonly connectionsOpen: number;
  readonly connectionsIdle: number;
  readonly queued: number;
}

const COUNTERS = ['requests', 'retries', 'connectFailures', 'connectionsOpen', 'connectionsIdle', 'queued'] as const;

/** Of every upstream that has or had a row of its own. */
export function upstreamTotals({ blocks, table }: Pick<MetricMemory, 'blocks' | 'table'>): readonly UpstreamTotals[] {
  const named = [...table.named('upstream')].filter(([, row]) => row !== OTHER_ROW);
  return named.map(([upstream, row]) => {
    const start = rowStart('upstream', row);
    const sums = COUNTERS.map((name) => [
      name,
      blocks.reduce((sum, block) => sum + (block[start + UPSTREAM[name]] ?? 0), 0),
    ]);
    return { upstream, ...(Object.fromEntries(sums) as Omit<UpstreamTotals, 'upstream'>) };
  });
}
