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

/**
 * Whether a stop signal is the Ctrl-C of a person, who waits for no load balancer. Programs that send SIGINT to stop a
 * service read its output, or throw it away.
 * @param outputs of the process
 */
export const isFromTerminal = (
  signal: NodeJS.Signals,
  outputs: readonly { readonly isTTY?: boolean | undefined }[],
): boolean => signal === 'SIGINT' && outputs.some(({ isTTY }) => isTTY === true);
