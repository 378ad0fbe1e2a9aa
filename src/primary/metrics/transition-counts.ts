import type { BreakerKind } from '../../shared/breaker/state.ts';
import { OTHER_NAME, ROWS } from '../../shared/metrics/layout.ts';

export const BREAKER_KINDS = ['CLOSED', 'OPEN', 'HALF_OPEN'] as const satisfies readonly BreakerKind[];

/** How often each breaker went into each state on this node. Upstreams beyond the metrics' rows are counted together. */
export class TransitionCounts {
  readonly #counts = new Map<string, Record<BreakerKind, number>>();

  add(upstream: string, to: BreakerKind): void {
    const known = this.#counts.has(upstream) || this.#counts.size < ROWS.upstream;
    const name = known ? upstream : OTHER_NAME;
    const counts = this.#counts.get(name) ?? { CLOSED: 0, OPEN: 0, HALF_OPEN: 0 };
    counts[to]++;
    this.#counts.set(name, counts);
  }

  of(upstream: string, to: BreakerKind): number {
    return this.#counts.get(upstream)?.[to] ?? 0;
  }
}
