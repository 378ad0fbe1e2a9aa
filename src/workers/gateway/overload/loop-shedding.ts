import { PRIORITIES } from '../../../shared/overload/priority.ts';
import type { Priority } from '../../../shared/overload/priority.ts';

/** The loop must be late, or in time, for so long before that says anything. */
const SETTLE_MS = 1_000;
/** Of a hundred requests so many more, or fewer, are refused a second. */
const STEP_PERCENT = 10;
/** Whatever makes the loop late, some requests are served: it may not be requests. */
const MOST_PERCENT = 90;
/** What came lately says what comes next: each look halves what was before it. */
const LOOK_EVERY_MS = 500;

/**
 * Refuses a share of what comes while the thread cannot keep up: when its ticks have come late for a second, ten percent of
 * its requests, ten more with each further second; and fewer in the same way once they are in time. Low ones before normal
 * ones before high ones. Which of several equal ones are refused is no chance: of ten requests at ten percent one is.
 */
export class LoopShedding {
  /** Of all requests, 0 to MOST_PERCENT. */
  percent = 0;
  /** Later than this is late; 0 = nothing is ever refused. */
  #lateMs: number;
  /** Since when it has been late, or in time, without a break. */
  #sinceMs = 0;
  #isLate = false;
  #tickedMs = 0;
  #lookedMs = 0;
  /** Requests that came lately, by priority. */
  readonly #came = PRIORITIES.map(() => 0);
  /** Of each priority the share that is refused, 0 to 1, and what of a whole request is still due. */
  readonly #share = PRIORITIES.map(() => 0);
  readonly #due = PRIORITIES.map(() => 0);

  /** @param lateMs 0 = off */
  constructor(lateMs: number) {
    this.#lateMs = lateMs;
  }

  /** It is worth being asked. */
  get isOn(): boolean {
    return this.#lateMs > 0;
  }

  configure(lateMs: number): void {
    this.#lateMs = lateMs;
    if (lateMs > 0) return;
    this.percent = 0;
    this.#share.fill(0);
  }

  /** Every tick. @param latenessMs how much later it has come than it should */
  tick(nowMs: number, latenessMs: number): void {
    if (this.#lateMs === 0) return;
    const elapsedMs = nowMs - this.#tickedMs;
    this.#tickedMs = nowMs;
    const isLate = latenessMs > this.#lateMs;
    if (isLate !== this.#isLate) {
      this.#isLate = isLate;
      // A late tick was late from where the one before it was over.
      this.#sinceMs = isLate ? nowMs - elapsedMs : nowMs;
    }
    if (nowMs - this.#sinceMs >= SETTLE_MS) {
      const step = (STEP_PERCENT * Math.min(elapsedMs, SETTLE_MS)) / 1000;
      this.percent = Math.max(0, Math.min(MOST_PERCENT, this.percent + (isLate ? step : -step)));
    }
    if (nowMs - this.#lookedMs < LOOK_EVERY_MS) return;
    this.#lookedMs = nowMs;
    this.#divide();
  }

  /** Divides what is to be refused, the least important first, by what came lately. */
  #divide(): void {
    const came = this.#came;
    let left = (this.percent / 100) * came.reduce((sum, count) => sum + count, 0);
    for (let each = PRIORITIES.length - 1; each >= 0; each--) {
      const count = came[each] as number;
      // Where nobody came, who does is as who came.
      const share = this.percent === 0 ? 0 : count > 0 ? Math.min(1, left / count) : left > 0 ? 1 : 0;
      this.#share[each] = share;
      left -= share * count;
      came[each] = count / 2;
    }
  }

  /** A request has come. @returns whether it is to be refused */
  refuses(priority: Priority): boolean {
    (this.#came[priority] as number)++;
    const share = this.#share[priority] as number;
    if (share === 0) return false;
    const due = (this.#due[priority] as number) + share;
    const refused = due >= 1;
    this.#due[priority] = refused ? due - 1 : due;
    return refused;
  }
}
