/** Time and chance come from here and nowhere else, so that tests can pass their own. */

import { performance } from 'node:perf_hooks'; // the global of that name is a getter, looked up anew each time

/** Milliseconds on a clock that never runs backwards; only differences mean anything. */
export const monotonicMs = (): number => performance.now();

/** Milliseconds since the Unix epoch, for people and logs; never for measuring a wait. */
export const wallClockMs = (): number => Date.now();

/** A number in [0, 1), for choosing among equals; never for secrets. */
export const random = (): number => Math.random();
