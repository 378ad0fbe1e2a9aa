import { DOWN_TARGETS, healthRowOf, TARGET_FIELD, targetKey, VERDICT } from '../../../shared/health/memory.ts';
import type { HealthPlaces } from '../../../shared/health/memory.ts';
import { toWrapped } from '../../../shared/breaker/process-clock.ts';

/** A target, as far as probes concern it. */
export interface ProbedTarget {
  readonly name: string;
  /** Its row of the health memory; 0 = it is not probed. */
  healthRow: number;
}

/** What probes say of the targets of one upstream, as this thread goes by it. */
export class UpstreamHealth {
  readonly #words: Int32Array;
  readonly #row: number;
  readonly #aheadMs: number;

  /** @param aheadMs of the process clock against the thread's own */
  constructor(words: Int32Array, place: number, aheadMs: number) {
    this.#words = words;
    this.#row = healthRowOf(place);
    this.#aheadMs = aheadMs;
  }

  /** Some of its targets are down. A plain read: what another thread has written is seen by the next turn of the loop. */
  get hasDown(): boolean {
    return this.#words[this.#row + DOWN_TARGETS] !== 0;
  }

  /** A request to it had a good answer. */
  succeeded(row: number, nowMs: number): void {
    const words = this.#words;
    const at = toWrapped(nowMs + this.#aheadMs);
    // All threads write here: no more often than it matters.
    if (
      ((at - (words[row + TARGET_FIELD.SUCCEEDED_AT] ?? 0)) | 0) < WRITE_EVERY_MS &&
      words[row + TARGET_FIELD.SUCCEEDED] === 1
    )
      return;
    words[row + TARGET_FIELD.SUCCEEDED_AT] = at;
    words[row + TARGET_FIELD.SUCCEEDED] = 1;
  }

  /** Whether the target of this row is to be left out. */
  isOut(row: number, nowMs: number): boolean {
    const words = this.#words;
    const verdict = words[row + TARGET_FIELD.VERDICT];
    if (verdict !== VERDICT.silent) return verdict === VERDICT.wrong;
    if (words[row + TARGET_FIELD.SUCCEEDED] === 0) return true;
    const agoMs = (toWrapped(nowMs + this.#aheadMs) - (words[row + TARGET_FIELD.SUCCEEDED_AT] ?? 0)) | 0;
    // Less than 0: so long ago that the clock has come round.
    return agoMs < -CLOCKS_DIFFER_MS || agoMs >= (words[row + TARGET_FIELD.KEEP_MS] ?? 0);
  }
}

const WRITE_EVERY_MS = 20;
const CLOCKS_DIFFER_MS = 1_000;

export interface HealthWatch {
  readonly words: Int32Array;
  /** Of the process clock against the thread's own. */
  readonly aheadMs: number;
}

/** Gives the targets of an upstream that is probed their rows. @returns undefined: it has none */
export function watchHealth(
  watch: HealthWatch,
  places: HealthPlaces,
  { upstream, targets }: { readonly upstream: string; readonly targets: readonly ProbedTarget[] },
): UpstreamHealth | undefined {
  const place = places.get(upstream);
  for (const target of targets) {
    target.healthRow = place === undefined ? 0 : healthRowOf(places.get(targetKey(upstream, target.name)) ?? 0);
  }
  return place === undefined ? undefined : new UpstreamHealth(watch.words, place, watch.aheadMs);
}
