/** What is done to the system while it runs. */
export type SoakAction = 'reload' | 'upstream restart' | 'Redis restart';

export interface SoakEvent {
  readonly action: SoakAction;
  /** From the start of the load. */
  readonly atSeconds: number;
}

export interface SoakPlan {
  readonly seconds: number;
  /** In the order of time; the same for the same length. */
  readonly events: readonly SoakEvent[];
  /** Between the end of a process and the start of its successor. */
  readonly downSeconds: number;
  /** From then on until nothing may fail any more. */
  readonly recoverySeconds: number;
  /** From one look at memory and descriptors to the next. */
  readonly lookSeconds: number;
  /** Slice of the timelines. */
  readonly sliceMs: number;
}

/** One of each fault in so many seconds: the first quarter of ten minutes has seen each twice. */
const CYCLE_SECONDS = 75;
/** Where in a cycle; the end of each is quiet. */
const CYCLE: readonly (readonly [SoakAction, number])[] = [
  ['reload', 0.15],
  ['upstream restart', 0.35],
  ['Redis restart', 0.65],
];
/** Shorter runs show that the suite works. */
const SHORT_SECONDS = 60;
/** Samples that are enough to fit a line through and to draw. */
const MOST_LOOKS = 600;

export function planSoak(seconds: number): SoakPlan {
  const cycles = Math.max(1, Math.round(seconds / CYCLE_SECONDS));
  const cycleSeconds = seconds / cycles;
  const short = seconds < SHORT_SECONDS;
  return {
    seconds,
    events: Array.from({ length: cycles }, (_, cycle) =>
      CYCLE.map(([action, part]) => ({ action, atSeconds: (cycle + part) * cycleSeconds })),
    ).flat(),
    downSeconds: short ? 0.2 : 2,
    recoverySeconds: short ? 2 : 5,
    lookSeconds: short ? 0.2 : Math.max(1, seconds / MOST_LOOKS),
    sliceMs: short ? 100 : 1000,
  };
}
