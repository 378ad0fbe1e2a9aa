import { performance } from 'node:perf_hooks';
import type { EventLoopUtilityFunction, EventLoopUtilization } from 'node:perf_hooks';
import { monotonicMs } from '../../shared/clock.ts';

/** A thread whose loop can be asked. */
export interface ThreadLoop {
  readonly slot: number;
  readonly worker: { readonly performance: { readonly eventLoopUtilization: EventLoopUtilityFunction } };
}

/** Less than this between two questions says little; the last answer stands. */
const SHORTEST_MS = 500;

interface Seen {
  readonly at: EventLoopUtilization;
  readonly share: number;
}

/**
 * How busy each event loop was since it was last asked about (0 to 1); the first time, since its start. Whoever asks
 * keeps an instance of its own, or one takes the other's interval.
 */
export class LoopUtilization {
  readonly #clock: () => number;
  #askedMs = Number.NEGATIVE_INFINITY;
  #seen = new Map<unknown, Seen>();

  constructor(clock: () => number = monotonicMs) {
    this.#clock = clock;
  }

  /** The front's own, and each thread's. */
  read<T extends ThreadLoop>(threads: readonly T[]): { readonly front: number; of(thread: T): number } {
    const nowMs = this.#clock();
    const enough = nowMs - this.#askedMs >= SHORTEST_MS;
    if (enough) this.#askedMs = nowMs;
    const next = new Map<unknown, Seen>();
    const ask = (key: unknown, loop: EventLoopUtilityFunction): void => {
      const before = this.#seen.get(key);
      if (before !== undefined && !enough) {
        next.set(key, before);
        return;
      }
      const at = loop();
      next.set(key, { at, share: before === undefined ? at.utilization : loop(at, before.at).utilization });
    };
    ask(performance, (...args) => performance.eventLoopUtilization(...args));
    for (const { worker } of threads) ask(worker, (...args) => worker.performance.eventLoopUtilization(...args));
    this.#seen = next; // Threads that are gone are forgotten.
    const share = (key: unknown): number => Math.min(1, Math.max(0, next.get(key)?.share ?? 0));
    return { front: share(performance), of: (thread) => share(thread.worker) };
  }
}
