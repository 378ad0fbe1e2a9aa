/** Round trips are counted in steps of so much; longer ones than the steps reach count as the longest. */
const STEP_MS = 0.5;
/** A time-out holds for so long after what has raised it. */
const WINDOW_MS = 10_000;
/** Redis is said to be far only when it was far each time of at least so many. */
const SAID_AFTER = 20;

export interface DecisionTimeoutOptions {
  /** Monotonic milliseconds. */
  readonly clock: () => number;
  /** RATE_LIMIT_TIMEOUT_MILLISECONDS: never less. */
  readonly startMs: number;
  /** RATE_LIMIT_TIMEOUT_MAX_MILLISECONDS: never more. */
  readonly maxMs: number;
  /**
   * Even the fastest answer takes longer than `startMs`, or no longer does; once per change. Nothing is said of a Redis
   * beyond `maxMs`: it is not asked, and others say so.
   */
  readonly onFar?: (isFar: boolean, fastestMs: number) => void;
}

/**
 * How long a decision waits for Redis: twice what 99 of 100 round trips take, within its bounds. It rises at once, so that
 * a Redis that is a little far, or a machine that is busy, is not taken for one that is away; it falls after ten seconds.
 */
export class DecisionTimeout {
  readonly maxMs: number;
  readonly #options: DecisionTimeoutOptions;
  readonly #counts: Uint32Array;
  #total = 0;
  #fastestMs = Number.POSITIVE_INFINITY;
  #startedMs: number;
  #ms: number;
  #isFar = false;

  constructor(options: DecisionTimeoutOptions) {
    this.#options = options;
    this.maxMs = options.maxMs;
    this.#ms = options.startMs;
    this.#startedMs = options.clock();
    this.#counts = new Uint32Array(Math.ceil(options.maxMs / STEP_MS) + 1);
  }

  /** Milliseconds. */
  get ms(): number {
    return this.#ms;
  }

  /** Redis has answered, also where it was late. */
  answered(roundTripMs: number): void {
    const nowMs = this.#options.clock();
    if (nowMs - this.#startedMs >= WINDOW_MS) this.#startWindow(nowMs);
    const step = Math.min(Math.ceil(roundTripMs / STEP_MS), this.#counts.length - 1);
    this.#counts[step] = (this.#counts[step] as number) + 1;
    this.#total++;
    if (roundTripMs < this.#fastestMs) this.#fastestMs = roundTripMs;
    if (2 * roundTripMs > this.#ms) this.#ms = Math.max(this.#ms, this.#wanted());
    if (this.#total === SAID_AFTER) this.#sayFar();
  }

  #startWindow(nowMs: number): void {
    if (this.#total > 0) this.#ms = this.#wanted();
    if (this.#total > 0 && this.#total < SAID_AFTER) this.#sayFar();
    this.#counts.fill(0);
    this.#total = 0;
    this.#fastestMs = Number.POSITIVE_INFINITY;
    this.#startedMs = nowMs;
  }

  /** Twice the 99th percentile of this window, within the bounds. */
  #wanted(): number {
    const { startMs, maxMs } = this.#options;
    let slower = this.#total * 0.01;
    let step = this.#counts.length - 1;
    for (; step > 0; step--) {
      slower -= this.#counts[step] as number;
      if (slower < 0) break;
    }
    return Math.min(maxMs, Math.max(startMs, 2 * step * STEP_MS));
  }

  #sayFar(): void {
    const isFar = this.#fastestMs > this.#options.startMs;
    if (isFar === this.#isFar || this.#fastestMs > this.maxMs) return;
    this.#isFar = isFar;
    this.#options.onFar?.(isFar, this.#fastestMs);
  }
}
