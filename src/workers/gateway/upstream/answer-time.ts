/** How far one answer moves what is typical: up in small steps, down in large ones, so that it settles at the quicker quarter. */
const STEP_UP = 1.12;
const STEP_DOWN = 1.4;
/** An answer so many times quicker than is typical halves the way to it. */
const MUCH_QUICKER = 4;

/** A target is slow beside another whose answers take a tenth of its own, and this much less. */
const SLOW_TIMES = 10;
const SLOW_MS = 10;

/** So many picks of the upstream, or so long, between two requests that find out whether a slow target still is. */
const PICKS_PER_TRIAL = 400;
const TRIAL_EVERY_MS = 10_000;

/**
 * How long the good answers of one target take on this thread: what the quicker quarter of them takes. Of targets that do
 * the same work the quick answers are alike, however long the others are; of one that is slow the quick ones are slow too.
 */
export class AnswerTime {
  /** In ms; 0 = nothing is known. */
  typicalMs = 0;
  #triedMs = 0;
  #triedPick = 0;

  note(ms: number): void {
    const typical = this.typicalMs;
    if (typical === 0) this.typicalMs = Math.max(ms, 0.01);
    else if (ms > typical) this.typicalMs = Math.min(ms, typical * STEP_UP);
    else if (ms * MUCH_QUICKER < typical) this.typicalMs = Math.sqrt(typical * Math.max(ms, 0.01));
    else this.typicalMs = Math.max(ms, typical / STEP_DOWN);
  }

  isSlowBeside(other: AnswerTime): boolean {
    return other.typicalMs > 0 && this.typicalMs > SLOW_TIMES * other.typicalMs + SLOW_MS;
  }

  /** Whether this request finds out whether it still is. @param pick how many-th of the upstream on this thread it is */
  takesTrial(pick: number, nowMs: number): boolean {
    if (pick - this.#triedPick < PICKS_PER_TRIAL && nowMs - this.#triedMs < TRIAL_EVERY_MS) return false;
    this.#triedPick = pick;
    this.#triedMs = nowMs;
    return true;
  }
}

/** When a target is picked: the upstream itself, as an object for each pick would be one too many. */
export interface PickMoment {
  /** Of the upstream on this thread, so far. */
  readonly picks: number;
  readonly deadlines: { readonly nowMs: number };
}

/** A target, as far as its answers take long. */
export interface TimedTarget {
  readonly pending: number;
  readonly time: AnswerTime;
}

/**
 * Of two targets of which one is slow beside the other, the quick one: unless so many wait there that even the slow one
 * would be done sooner, or a request is to find out whether it still is slow.
 * @returns undefined: neither is slow beside the other
 */
export function quickerOf<Each extends TimedTarget>(a: Each, b: Each, by: PickMoment): Each | undefined {
  const isSlow = a.time.isSlowBeside(b.time);
  if (!isSlow && !b.time.isSlowBeside(a.time)) return undefined;
  const slow = isSlow ? a : b;
  const quick = isSlow ? b : a;
  if (slow.pending === 0 && slow.time.takesTrial(by.picks, by.deadlines.nowMs)) return slow;
  const isFull = (quick.pending + 1) * quick.time.typicalMs > (slow.pending + 1) * slow.time.typicalMs;
  return isFull ? slow : quick;
}
