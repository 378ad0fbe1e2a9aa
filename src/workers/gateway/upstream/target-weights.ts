import { toWrapped } from '../../../shared/breaker/process-clock.ts';
import { TARGET_FIELD } from '../../../shared/health/memory.ts';
import type { HealthWatch } from './upstream-health.ts';

/** A target that comes back, or is new among others, starts with this share of its weight. */
const FIRST_SHARE = 0.1;

/** A target, as far as its share of requests goes. */
export interface WeighedTarget {
  /** Its share once it has started; 0 = no new requests. */
  readonly fullWeight: number;
  /** Its share now. */
  weight: number;
  /** Its row of the shared memory; 0 = it has none. */
  readonly row: number;
}

/** What shares add up to. */
export interface Shares {
  /** Of all full weights. */
  readonly total: number;
  /** Not all are alike. */
  readonly uneven: boolean;
}

/** Sets the shares of all targets of an upstream. @param slowStartMs 0 = each has its full weight */
export function weigh(
  targets: readonly WeighedTarget[],
  nowMs: number,
  { watch, slowStartMs }: { readonly watch: HealthWatch | undefined; readonly slowStartMs: number },
): Shares {
  let total = 0;
  let uneven = false;
  for (const target of targets) {
    const { fullWeight, row } = target;
    const share = watch === undefined || slowStartMs === 0 || row === 0 ? 1 : sinceMs(watch, row, nowMs) / slowStartMs;
    target.weight = fullWeight * Math.min(1, Math.max(FIRST_SHARE, share));
    total += fullWeight;
    if (target.weight !== targets[0]?.weight) uneven = true;
  }
  return { total, uneven };
}

/** Milliseconds since it came; Infinity = it was there from the start, or so long that the clock has come round. */
function sinceMs({ words, aheadMs }: HealthWatch, row: number, nowMs: number): number {
  const since = words[row + TARGET_FIELD.RETURNED_AT] ?? 0;
  if (since === 0) return Number.POSITIVE_INFINITY;
  const agoMs = (toWrapped(nowMs + aheadMs) - since) | 0;
  return agoMs < -CLOCKS_DIFFER_MS ? Number.POSITIVE_INFINITY : Math.max(0, agoMs);
}

const CLOCKS_DIFFER_MS = 1_000;
