import { addTo, BUCKETS, COUNTED, emptyStep, SIZES, STEP_SIZES, valuesOf } from './steps.ts';
import type { Counted, Gauged, Step, StepSize, StepValues } from './steps.ts';
import type { Totals } from './totals.ts';

/** What there is at the moment, beside the counters. */
export type Gauges = Readonly<Record<Exclude<Gauged, 'sockets'>, number>>;

/** A gap that a stopped process or a suspended machine leaves is not filled with rates. */
const LONGEST_GAP_SECONDS = 5;

/** Is told each step that is over. */
export type OnStep = (size: StepSize, step: Step) => void;

/**
 * The last hour of a node in steps of 1, 5 and 20 seconds of the time of day, which all nodes have in common; as many as
 * the charts of 1, 15 and 60 minutes show.
 */
export class History {
  readonly #rings = new Map<StepSize, (Step | undefined)[]>(SIZES.map((size) => [size, []]));
  /** Those that last, of all sizes but a second. */
  readonly #open = new Map<StepSize, Step>();
  readonly #onStep: OnStep;
  readonly #before = { requests: 0, errors5xx: 0, refused429: 0, bytesReceived: 0, bytesSent: 0 };
  readonly #durations = new Float64Array(BUCKETS);
  #second: number;

  /** @param nowMs time of day */
  constructor(nowMs: number, onStep: OnStep = () => {}) {
    this.#second = Math.floor(nowMs / 1000);
    this.#onStep = onStep;
  }

  /** Takes what had been counted before the first second. */
  begin(totals: Totals): void {
    for (const name of COUNTED) this.#before[name] = totals[name];
    this.#durations.set(totals.durations);
  }

  /** Number of the second that was written last. */
  get second(): number {
    return this.#second;
  }

  /** Takes what was counted since the last time; called about once a second, later where the front was busy. */
  add(totals: Totals, gauges: Gauges, nowMs: number): void {
    const second = Math.floor(nowMs / 1000);
    const passed = second - this.#second;
    // A clock that was set back a little is waited for; by more, all begins anew there.
    if (passed <= 0 && passed > -LONGEST_GAP_SECONDS) return;
    if (passed < 0) this.#open.clear();
    const known = passed < 0 ? 1 : passed;
    const each = this.#since(totals, gauges, known);
    for (let at = second - Math.min(known, LONGEST_GAP_SECONDS) + 1; at <= second; at++) this.#take({ ...each, at });
    this.#second = second;
  }

  /** What is known of the step that begins then, also of one that lasts. */
  at(size: StepSize, at: number): Step | undefined {
    const open = this.#open.get(size);
    if (open?.at === at) return open;
    const kept = this.#rings.get(size)?.[slotOf(size, at)];
    return kept?.at === at ? kept : undefined;
  }

  /** All that are over, of every size. */
  all(): readonly (readonly [StepSize, Step])[] {
    return SIZES.flatMap((size) =>
      (this.#rings.get(size) ?? []).flatMap((step) => (step === undefined ? [] : [[size, step] as const])),
    );
  }

  /** Rates and percentiles of the second that was written last; `undefined`: nothing is known of it. */
  last(): StepValues | undefined {
    const step = this.at(1, this.#second);
    return step === undefined ? undefined : valuesOf(step);
  }

  /** So many there were in the last seconds, at most a minute. */
  sum(column: Counted, seconds: number): number {
    let sum = 0;
    for (let back = 0; back < seconds; back++) sum += this.at(1, this.#second - back)?.counted[column] ?? 0;
    return sum;
  }

  /** What came since the last time, evenly spread over so many seconds. */
  #since(totals: Totals, gauges: Gauges, seconds: number): Step {
    const step = emptyStep(0);
    step.seconds = 1;
    for (const name of COUNTED) {
      step.counted[name] = Math.max(0, totals[name] - this.#before[name]) / seconds;
      this.#before[name] = totals[name];
    }
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const total = totals.durations[bucket] ?? 0;
      step.durations[bucket] = Math.max(0, total - (this.#durations[bucket] ?? 0)) / seconds;
      this.#durations[bucket] = total;
    }
    Object.assign(step.gauged, gauges, { sockets: totals.socketsOpen });
    return step;
  }

  #take(second: Step): void {
    this.#keep(1, second);
    for (const size of SIZES) {
      if (size === 1) continue;
      const at = second.at - (second.at % size);
      const open = this.#open.get(size);
      if (open !== undefined && open.at !== at) this.#keep(size, open);
      const now = open?.at === at ? open : emptyStep(at);
      addTo(now, second);
      this.#open.set(size, now);
      if (second.at === at + size - 1) {
        this.#open.delete(size);
        this.#keep(size, now);
      }
    }
  }

  #keep(size: StepSize, step: Step): void {
    const ring = this.#rings.get(size);
    if (ring !== undefined) ring[slotOf(size, step.at)] = step;
    this.#onStep(size, step);
  }
}

/** Which of the places of its size a step has, here and in Redis. */
export const slotOf = (size: StepSize, at: number): number => Math.floor(at / size) % STEP_SIZES[size];
