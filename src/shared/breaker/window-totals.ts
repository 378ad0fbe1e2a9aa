import { BUCKETS, FIELD, WINDOW_FIELDS } from './memory.ts';

export interface WindowTotals {
  readonly requests: number;
  readonly failed: number;
  readonly slow: number;
}

/** What this process has counted of a row in the window that ends with the bucket `stamp`. */
export function windowTotals(words: Int32Array, row: number, stamp: number): WindowTotals {
  let requests = 0;
  let failed = 0;
  let slow = 0;
  for (let i = 0; i < BUCKETS; i++) {
    const bucket = row + FIELD.WINDOW + i * WINDOW_FIELDS;
    const age = stamp - Atomics.load(words, bucket);
    if (age < 0 || age >= BUCKETS) continue;
    requests += Atomics.load(words, bucket + 1);
    failed += Atomics.load(words, bucket + 2);
    slow += Atomics.load(words, bucket + 3);
  }
  return { requests, failed, slow };
}
