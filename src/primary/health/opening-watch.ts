import type { BreakerView } from '../breaker/view.ts';
import { isGood } from './verdict.ts';
import type { ProbedTarget } from './health-book.ts';

export interface OpeningWatchOptions {
  readonly breakers: () => readonly Pick<BreakerView, 'upstream' | 'state' | 'epoch' | 'forced'>[];
  /** The opening of this epoch need not last any longer. */
  readonly end: (upstream: string, epoch: number) => void;
}

interface Watched {
  readonly epoch: number;
  /** Rounds of probes with good answers since it was first seen. */
  rounds: number;
}

/**
 * Ends openings of breakers early (`circuit_breaker.probe: health`): after as many rounds in a row, begun after the
 * opening, as bring a target back, in which at least half of the targets answered well. Requests then decide, as they do
 * when an opening ends by itself.
 */
export class OpeningWatch {
  readonly #options: OpeningWatchOptions;
  readonly #watched = new Map<string, Watched>();

  constructor(options: OpeningWatchOptions) {
    this.#options = options;
  }

  /** All targets of an upstream have been probed since the last time. */
  onRound(upstream: string, targets: readonly ProbedTarget[]): void {
    const breaker = this.#options.breakers().find((each) => each.upstream === upstream);
    if (breaker?.state !== 'OPEN' || breaker.forced !== undefined) {
      this.#watched.delete(upstream);
      return;
    }
    const known = this.#watched.get(upstream);
    if (known?.epoch !== breaker.epoch) {
      // This round may have been under way when it opened.
      this.#watched.set(upstream, { epoch: breaker.epoch, rounds: 0 });
      return;
    }
    const good = targets.filter(({ verdict }) => verdict !== undefined && isGood(verdict)).length;
    known.rounds = good > 0 && good * 2 >= targets.length ? known.rounds + 1 : 0;
    if (known.rounds >= Math.max(...targets.map(({ health }) => health.healthy)))
      this.#options.end(upstream, breaker.epoch);
  }

  forget(upstreams: ReadonlySet<string>): void {
    for (const upstream of this.#watched.keys()) if (!upstreams.has(upstream)) this.#watched.delete(upstream);
  }
}
