import { LEAST_BYTES_A_SECOND } from '../upstream/relief.ts';

/** The slowest a client may send or read, on average over the window, while bytes wait. */
export const RATE_WINDOW_MS = 20_000;
export const LEAST_WINDOW_BYTES = (LEAST_BYTES_A_SECOND * RATE_WINDOW_MS) / 1_000;
/** Nothing is said of a client's pace before it has been waited for so long. */
export const LEAST_PACED_MS = 1_000;
