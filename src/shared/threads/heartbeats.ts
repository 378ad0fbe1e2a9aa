/**
 * Shared memory between the front and its request threads: one row of Int32 per thread slot. A request thread writes
 * its own row; the front reads. Values are read and written with Atomics, so both sides see whole numbers.
 */
const ROW = { beatMs: 0, inFlight: 1, openConnections: 2, draining: 3, webSockets: 4, shedPercent: 5 } as const;
const ROW_LENGTH = 16; // 64 bytes: one cache line a thread, so that rows never share one

export type HeartbeatField = keyof typeof ROW;

export function createHeartbeats(slots: number): SharedArrayBuffer {
  return new SharedArrayBuffer(slots * ROW_LENGTH * Int32Array.BYTES_PER_ELEMENT);
}

/** Index of a field in an Int32Array over the buffer. */
export const heartbeatIndex = (slot: number, field: HeartbeatField): number => slot * ROW_LENGTH + ROW[field];

/** A field over all threads. */
export function sumOfRows(words: Int32Array, field: HeartbeatField): number {
  let sum = 0;
  for (let at = ROW[field]; at < words.length; at += ROW_LENGTH) sum += Atomics.load(words, at);
  return sum;
}

/**
 * The clock of `beatMs`: milliseconds, the same in all threads of the process, wrapped to an Int32 (compare by
 * `(now - beat) | 0`). performance.now() alone starts anew in each thread.
 */
export const beatClockMs = (): number => (performance.timeOrigin + performance.now()) | 0;
