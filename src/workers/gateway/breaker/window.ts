import { BUCKET_FIELDS, BUCKETS, FIELD, TRIP } from '../../../shared/breaker/memory.ts';
import { OUTCOME } from '../../../shared/breaker/outcome.ts';
import type { BreakerOutcome } from '../../../shared/breaker/outcome.ts';

/**
 * Counts a call in the sliding window of a row and says which trigger it sets off, a TRIP. Buckets are shared by the
 * threads; when two turn one over at the same moment a count may be lost, never one made up.
 */
export function countInWindow(
  words: Int32Array,
  row: number,
  call: { outcome: BreakerOutcome; nowMs: number },
): number {
  const stamp = Math.floor(call.nowMs / Math.max(1, Atomics.load(words, row + FIELD.BUCKET_MS))) & 0x7fff_ffff;
  const bucket = row + FIELD.WINDOW + (stamp % BUCKETS) * BUCKET_FIELDS;
  const found = Atomics.load(words, bucket);
  if (found !== stamp && Atomics.compareExchange(words, bucket, found, stamp) === found) {
    for (let field = 1; field < BUCKET_FIELDS; field++) Atomics.store(words, bucket + field, 0);
  }
  Atomics.add(words, bucket + 1, 1);
  if (call.outcome === OUTCOME.SUCCESS) return TRIP.NONE; // a good call can only lower the shares
  Atomics.add(words, bucket + (call.outcome === OUTCOME.FAILURE ? 2 : 3), 1);
  return tripOf(words, row, stamp);
}

function tripOf(words: Int32Array, row: number, stamp: number): number {
  let calls = 0;
  let failures = 0;
  let slow = 0;
  for (let i = 0; i < BUCKETS; i++) {
    const bucket = row + FIELD.WINDOW + i * BUCKET_FIELDS;
    const age = stamp - Atomics.load(words, bucket);
    if (age < 0 || age >= BUCKETS) continue;
    calls += Atomics.load(words, bucket + 1);
    failures += Atomics.load(words, bucket + 2);
    slow += Atomics.load(words, bucket + 3);
  }
  if (calls < Atomics.load(words, row + FIELD.MIN_VOLUME)) return TRIP.NONE;
  const errorPermille = Atomics.load(words, row + FIELD.ERROR_PERMILLE);
  if (errorPermille > 0 && failures * 1000 >= errorPermille * calls) return TRIP.ERROR_RATE;
  const slowPermille = Atomics.load(words, row + FIELD.SLOW_PERMILLE);
  return slowPermille > 0 && slow * 1000 >= slowPermille * calls ? TRIP.SLOW_CALLS : TRIP.NONE;
}
