/**
 * Time-outs without a timer each. All waits of one duration form a list in order of their start, so arming and
 * disarming are O(1) and the thread's one coarse tick only looks at list heads.
 */

/** Something that waits. The fields belong to the list it is armed in. */
export interface Waiting {
  deadlineList: DeadlineList | undefined;
  deadlinePrevious: Waiting | undefined;
  deadlineNext: Waiting | undefined;
  /** Start of the wait, by the clock of the waits. */
  deadlineFromMs: number;
  /** Called once, already disarmed, when the duration has passed. */
  onDeadline(): void;
}

class DeadlineList {
  readonly durationMs: number;
  #first: Waiting | undefined;
  #last: Waiting | undefined;

  constructor(durationMs: number) {
    this.durationMs = durationMs;
  }

  append(waiting: Waiting, nowMs: number): void {
    waiting.deadlineList = this;
    waiting.deadlineFromMs = nowMs;
    waiting.deadlineNext = undefined;
    waiting.deadlinePrevious = this.#last;
    if (this.#last === undefined) this.#first = waiting;
    else this.#last.deadlineNext = waiting;
    this.#last = waiting;
  }

  remove(waiting: Waiting): void {
    const { deadlinePrevious: previous, deadlineNext: next } = waiting;
    if (previous === undefined) this.#first = next;
    else previous.deadlineNext = next;
    if (next === undefined) this.#last = previous;
    else next.deadlinePrevious = previous;
    waiting.deadlineList = undefined;
    waiting.deadlinePrevious = undefined;
    waiting.deadlineNext = undefined;
  }

  expire(nowMs: number): void {
    for (let first = this.#first; first !== undefined; first = this.#first) {
      if (nowMs - first.deadlineFromMs < this.durationMs) return;
      this.remove(first);
      first.onDeadline();
    }
  }

  get size(): number {
    let count = 0;
    for (let waiting = this.#first; waiting !== undefined; waiting = waiting.deadlineNext) count++;
    return count;
  }
}

export type { DeadlineList };

/**
 * A step of the clock that is this many ticks long means that the thread stood still (blocked, paused with its machine):
 * what has arrived meanwhile is not read yet, so no wait is blamed for more of that time.
 */
const LONGEST_STEP_TICKS = 10;

export class Deadlines {
  /** The coarse clock: milliseconds, moved on by tick() only. */
  nowMs: number;
  /** The clock of the waits: as nowMs, without the time in which the thread stood still. */
  #waitedMs: number;
  readonly #lists = new Map<number, DeadlineList>();
  readonly #tickMs: number;

  /**
   * @param tickMs the usual step of the clock: a wait may last that much longer, but never less than asked; 0 = it has
   *   none, and no step is too long
   */
  constructor(nowMs: number, tickMs = 0) {
    this.nowMs = nowMs;
    this.#waitedMs = nowMs;
    this.#tickMs = tickMs;
  }

  /** Starts the wait, or starts it again with another duration. 0 = wait for ever. */
  arm(waiting: Waiting, durationMs: number): void {
    const current = waiting.deadlineList;
    if (current !== undefined) current.remove(waiting);
    if (durationMs <= 0) return;
    let list = current?.durationMs === durationMs ? current : this.#lists.get(durationMs);
    if (list === undefined) {
      list = new DeadlineList(durationMs);
      this.#lists.set(durationMs, list);
    }
    list.append(waiting, this.#waitedMs + this.#tickMs);
  }

  disarm(waiting: Waiting): void {
    waiting.deadlineList?.remove(waiting);
  }

  /** Moves the clock and calls onDeadline of every wait that is over; they may arm again. */
  tick(nowMs: number): void {
    const stepMs = nowMs - this.nowMs;
    this.nowMs = nowMs;
    this.#waitedMs += this.#tickMs === 0 ? stepMs : Math.min(stepMs, LONGEST_STEP_TICKS * this.#tickMs);
    for (const list of this.#lists.values()) list.expire(this.#waitedMs);
  }

  /** Waits under way, for the leak check. */
  get size(): number {
    let count = 0;
    for (const list of this.#lists.values()) count += list.size;
    return count;
  }
}
