import type { OverloadAnswer } from '../../shared/admin/overload.ts';
import { SHED_REASONS, shedColumn } from '../../shared/metrics/layout.ts';
import type { ShedReason } from '../../shared/metrics/layout.ts';
import { PRIORITIES } from '../../shared/overload/priority.ts';
import type { Priority } from '../../shared/overload/priority.ts';
import { BlockSums } from '../metrics/block-sums.ts';
import type { MetricMemory } from '../metrics/metric-memory.ts';

const EVERY_MS = 5_000;
/** Of what there was a minute ago. */
const LOOKS = 60_000 / EVERY_MS;

export type ShedCounts = OverloadAnswer['shed'];

export interface ShedWatchParts {
  readonly memory: MetricMemory;
  /** Its counter of connections that were refused, since the start. */
  readonly front: { readonly refusedByRate: number };
}

/** How many requests of a node were refused in the last minute because more came than could be served. */
export class ShedWatch {
  readonly #parts: ShedWatchParts;
  readonly #sums: BlockSums;
  readonly #timer: NodeJS.Timeout;
  /** What had been counted at the last looks, the oldest first. */
  readonly #before: ShedCounts[];

  constructor(parts: ShedWatchParts) {
    this.#parts = parts;
    this.#sums = new BlockSums(parts.memory);
    this.#before = [this.#total()];
    this.#timer = setInterval(() => this.look(), EVERY_MS).unref();
  }

  /** Runs every five seconds, by itself. */
  look(): void {
    this.#before.push(this.#total());
    if (this.#before.length > LOOKS) this.#before.shift();
  }

  /** Of the last minute, to five seconds. */
  lastMinute(): ShedCounts {
    const now = this.#total();
    const [before = now] = this.#before;
    return {
      upstream: now.upstream - before.upstream,
      client: now.client - before.client,
      loop: now.loop - before.loop,
      connections: now.connections - before.connections,
    };
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #total(): ShedCounts {
    const counts: Record<ShedReason, number> = { upstream: 0, client: 0, loop: 0 };
    for (const reason of SHED_REASONS) {
      for (const place of PRIORITIES.keys()) counts[reason] += this.#sums.at(shedColumn(reason, place as Priority));
    }
    return { ...counts, connections: this.#parts.front.refusedByRate };
  }
}
