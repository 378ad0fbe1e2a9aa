import type { RetryBudgetConfig } from '../../../shared/config/retries/types.ts';

/** Parts of the window: what is older than all of them no longer counts. */
const SLICES = 10;

/**
 * How many requests to an upstream a thread may send once more: a share of those sent the first time within a window that
 * slides, or a few a second where that is more. So an outage is offered hardly more than the load, on each thread and so
 * on all of them.
 */
export class RetryBudget {
  /** Since the present slice began: the hot path adds one. */
  firsts = 0;
  #repeats = 0;
  #firstsBefore = 0;
  #repeatsBefore = 0;
  readonly #slices = Array.from({ length: SLICES - 1 }, () => ({ firsts: 0, repeats: 0 }));
  #oldest = 0;
  #beganMs: number;
  #sliceMs = 1;
  #share = 0;
  #least = 0;

  constructor(nowMs: number) {
    this.#beganMs = nowMs;
  }

  /** @param threads of the node, which share the least that is allowed */
  configure({ percent, minPerSecond, windowMs }: RetryBudgetConfig, threads: number): void {
    this.#sliceMs = windowMs / SLICES;
    this.#share = percent / 100;
    this.#least = minPerSecond === 0 ? 0 : Math.max(1, (minPerSecond * windowMs) / 1_000 / threads);
  }

  /** One more. @returns false: there is none left */
  take(): boolean {
    const most = Math.max(this.#least, this.#share * (this.firsts + this.#firstsBefore));
    if (this.#repeats + this.#repeatsBefore + 1 > most) return false;
    this.#repeats++;
    return true;
  }

  /** One that was taken was not sent. */
  giveBack(): void {
    if (this.#repeats > 0) this.#repeats--;
  }

  /** Every tick. */
  tick(nowMs: number): void {
    for (let n = 0; nowMs - this.#beganMs >= this.#sliceMs; n++) {
      if (n === SLICES) {
        this.#beganMs = nowMs;
        return;
      }
      this.#beganMs += this.#sliceMs;
      this.#slide();
    }
  }

  #slide(): void {
    const slice = this.#slices[this.#oldest] as { firsts: number; repeats: number };
    this.#oldest = (this.#oldest + 1) % this.#slices.length;
    this.#firstsBefore += this.firsts - slice.firsts;
    this.#repeatsBefore += this.#repeats - slice.repeats;
    slice.firsts = this.firsts;
    slice.repeats = this.#repeats;
    this.firsts = 0;
    this.#repeats = 0;
  }
}
