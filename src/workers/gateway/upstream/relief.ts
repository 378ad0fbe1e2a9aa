import type { Sharer } from './share.ts';

/** How often it is looked at whether somebody must give way; twice in a row is enough. */
const LOOK_EVERY_MS = 250;
/** The slowest a client may be while bytes wait for or from it. */
export const LEAST_BYTES_A_SECOND = 64;

/** A call with a connection, as far as it can be ended for others. */
interface Cuttable extends Sharer {
  clientPace(nowMs: number): number;
  onTooSlow(): void;
}

interface Line {
  readonly someBelowWait: boolean;
  readonly waitingBelow: number;
  excessOf(one: Sharer): number;
}

interface Calls {
  forEachHeld(visit: (call: Cuttable) => void): void;
}

/**
 * Makes room for clients that wait and have less than a quarter of the connections: exchanges of those who have more, and
 * which stand still because of their client, are ended, the slowest first, one for each who waits.
 */
export class Relief {
  readonly #line: Line;
  #lookedMs = 0;
  /** Somebody waited at the last look. */
  #cramped = false;

  constructor(line: Line) {
    this.#line = line;
  }

  tick(nowMs: number, calls: Calls): void {
    if (nowMs - this.#lookedMs < LOOK_EVERY_MS) return;
    this.#lookedMs = nowMs;
    const cramped = this.#line.someBelowWait;
    if (cramped && this.#cramped) this.#relieve(nowMs, calls);
    this.#cramped = cramped;
  }

  #relieve(nowMs: number, calls: Calls): void {
    const slow: { readonly call: Cuttable; readonly pace: number }[] = [];
    calls.forEachHeld((call) => {
      if (!call.holds || this.#line.excessOf(call) <= 0) return;
      const pace = call.clientPace(nowMs);
      if (pace < LEAST_BYTES_A_SECOND) slow.push({ call, pace });
    });
    slow.sort((one, other) => one.pace - other.pace);
    let missing = this.#line.waitingBelow;
    for (const { call } of slow) {
      if (missing === 0) return;
      if (!call.holds || this.#line.excessOf(call) <= 0) continue;
      call.onTooSlow();
      missing--;
    }
  }
}
