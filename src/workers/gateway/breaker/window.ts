import { readTally } from '../../../shared/breaker/client-table.ts';
import { calmIn, isOverRate, weigh } from '../../../shared/breaker/evidence.ts';
import type { Evidence } from '../../../shared/breaker/evidence.ts';
import { BUCKETS, FIELD, rowOf, TRIP, WINDOW_FIELDS } from '../../../shared/breaker/memory.ts';
import { OUTCOME } from '../../../shared/breaker/outcome.ts';
import type { BreakerOutcome } from '../../../shared/breaker/outcome.ts';
import { untilWrapped } from '../../../shared/breaker/process-clock.ts';
import { windowTotals } from '../../../shared/breaker/window-totals.ts';

/**
 * Counts a call in the sliding window of a row. Buckets are shared by the threads; when two turn one over at the same
 * moment a count may be lost, never one made up.
 */
export function countInWindow(words: Int32Array, row: number, call: { outcome: BreakerOutcome; stamp: number }): void {
  const { stamp } = call;
  const bucket = row + FIELD.WINDOW + (stamp % BUCKETS) * WINDOW_FIELDS;
  const found = Atomics.load(words, bucket);
  if (found !== stamp && Atomics.compareExchange(words, bucket, found, stamp) === found) {
    for (let field = 1; field < WINDOW_FIELDS; field++) Atomics.store(words, bucket + field, 0);
  }
  Atomics.add(words, bucket + 1, 1);
  if (call.outcome === OUTCOME.SUCCESS) return;
  Atomics.add(words, bucket + (call.outcome === OUTCOME.FAILURE ? 2 : 3), 1);
}

/** Which trigger of the window a call that was no success sets off, as far as totals say: a TRIP. */
export function tripOf(words: Int32Array, row: number, stamp: number): number {
  const { requests, failed, slow } = windowTotals(words, row, stamp);
  if (requests < Atomics.load(words, row + FIELD.MIN_VOLUME)) return TRIP.NONE;
  const errorPermille = Atomics.load(words, row + FIELD.ERROR_PERMILLE);
  if (errorPermille > 0 && failed * 1000 >= errorPermille * requests) return TRIP.ERROR_RATE;
  const slowPermille = Atomics.load(words, row + FIELD.SLOW_PERMILLE);
  return slowPermille > 0 && slow * 1000 >= slowPermille * requests ? TRIP.SLOW_CALLS : TRIP.NONE;
}

/** What this process saw, and clients that other nodes saw served well, as far as it has heard. */
export function evidenceOf(words: Int32Array, place: number, now: { stamp: number; nowMs: number }): Evidence {
  const row = rowOf(place);
  const seen = weigh([readTally(words, place, now.stamp)]);
  const calm = Atomics.load(words, row + FIELD.CALM);
  if (calm === 0 || untilWrapped(Atomics.load(words, row + FIELD.CALM_UNTIL), now.nowMs) <= 0) return seen;
  return { ...seen, active: seen.active + calm, share: (seen.share * seen.active) / (seen.active + calm) };
}

/** Whether the evidence bears out what the count of the row says. */
export function bearsOut(words: Int32Array, row: number, claim: { trip: number; evidence: Evidence }): boolean {
  const { trip, evidence } = claim;
  if (trip === TRIP.SLOW_CALLS) return true;
  if (trip !== TRIP.ERROR_RATE) return calmIn(evidence) === 0;
  const errorRate = Atomics.load(words, row + FIELD.ERROR_PERMILLE) / 1000;
  const minVolume = Atomics.load(words, row + FIELD.MIN_VOLUME);
  return isOverRate(evidence, { errorRate, minVolume, windowMs: 0, slowRate: 0 });
}
