const FIRST_MS = 100;
const LONGEST_MS = 5_000;

/** A thread that served this long before it failed was no failed start. */
export const STEADY_MS = 10_000;

/** How long to wait before a thread is started, after so many failures in a row. */
export const restartDelayMs = (failures: number): number =>
  failures === 0 ? 0 : Math.min(LONGEST_MS, FIRST_MS * 2 ** (failures - 1));
