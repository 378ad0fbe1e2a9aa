/** The slowest a client may send or read, on average over the window, while bytes wait: 64 bytes a second. */
export const RATE_WINDOW_MS = 20_000;
export const LEAST_WINDOW_BYTES = 1_280;
/** Nothing is said of a client's pace before it has been waited for so long. */
export const LEAST_PACED_MS = 1_000;
