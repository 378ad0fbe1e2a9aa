import { performance } from 'node:perf_hooks'; // the global of that name is a getter, looked up anew each time

const SAMPLES = 9;

/**
 * Milliseconds on a clock that all threads of the process share (each thread's `performance.now` starts at its own
 * zero), for times in shared memory. Never runs backwards; independent of the wall clock. Threads agree to well under
 * a millisecond: of several pairs of readings the one with the least time between them counts, because a thread may be
 * suspended between two.
 */
export function createProcessClock(): () => number {
  let offset = 0;
  let narrowest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < SAMPLES; i++) {
    const before = performance.now();
    const machineMs = Number(process.hrtime.bigint()) / 1e6;
    const width = performance.now() - before;
    if (width >= narrowest) continue;
    narrowest = width;
    offset = machineMs - (before + width / 2);
  }
  return () => performance.now() + offset;
}

/** A time as it lies in an Int32: it wraps after 49 days, so only differences of less than 24 days mean anything. */
export const toWrapped = (ms: number): number => Math.ceil(ms) | 0;

/** Milliseconds from `now` until `wrapped`; negative when it is over. */
export const untilWrapped = (wrapped: number, nowMs: number): number => (wrapped - toWrapped(nowMs)) | 0;
