/** A terminal and a supervising parent may both deliver one Ctrl-C: what comes this soon after is the same signal. */
const DUPLICATE_WITHIN_MS = 250;

export type SignalMeaning = 'drain' | 'force' | 'ignore';

/** What a stop signal means: the first drains, a later one stops at once. One object per process. */
export class StopSignals {
  #firstMs: number | undefined;

  next(nowMs: number): SignalMeaning {
    if (this.#firstMs === undefined) {
      this.#firstMs = nowMs;
      return 'drain';
    }
    return nowMs - this.#firstMs < DUPLICATE_WITHIN_MS ? 'ignore' : 'force';
  }
}
