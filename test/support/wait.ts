import { setTimeout as rest } from 'node:timers/promises';

/** Between two looks. */
const LOOK_EVERY_MS = 3;
/** A look counts as so much at most, whatever it took: after a longer one the machine was busy with others. */
const MOST_A_LOOK_MS = 8;
/** Between two looks of an alarm, which in a test that passes is put off before it rings. */
const ALARM_EVERY_MS = 20;
const MOST_AN_ALARM_LOOK_MS = 25;
/** For what must happen; only a test that fails waits so long. */
export const PATIENCE_MS = 45_000;

/**
 * Counts time in which this process was served: of a pause that is longer than asked for only a little, for then the
 * machine was busy with others and nobody got on. A promise such as "within a second" can so be tested on any machine.
 */
class ServedTime {
  readonly #mostALookMs: number;
  #ms = 0;
  #lastMs = performance.now();

  constructor(mostALookMs = MOST_A_LOOK_MS) {
    this.#mostALookMs = mostALookMs;
  }

  /** Called often. */
  look(): number {
    const nowMs = performance.now();
    this.#ms += Math.min(nowMs - this.#lastMs, this.#mostALookMs);
    this.#lastMs = nowMs;
    return this.#ms;
  }
}

interface Wait {
  readonly withinMs?: number;
  /** What is shown of a condition that does not hold in time. */
  readonly describe?: () => unknown;
}

/** Looks until `holds`; fails when it does not within so much served time. @returns the served milliseconds it took */
export async function until(holds: () => boolean | Promise<boolean>, wait: Wait = {}): Promise<number> {
  const { withinMs = PATIENCE_MS, describe } = wait;
  const served = new ServedTime();
  while (!(await holds())) {
    if (served.look() > withinMs) {
      throw new Error(`not within ${withinMs} ms: ${holds.toString()} ${JSON.stringify(describe?.())}`);
    }
    await rest(LOOK_EVERY_MS);
  }
  return served.look();
}

/** Waits for a check that throws while it does not hold, as those of expect do, and then throws what it threw last. */
export async function untilPasses(check: () => unknown, withinMs = PATIENCE_MS): Promise<number> {
  let problem: unknown;
  const passes = async (): Promise<boolean> => {
    try {
      await check();
      return true;
    } catch (error) {
      problem = error;
      return false;
    }
  };
  try {
    return await until(passes, { withinMs });
  } catch {
    throw problem;
  }
}

/** The same as `until`, with the condition in words. */
export async function eventually(
  holds: () => boolean | Promise<boolean>,
  text: string,
  withinMs = PATIENCE_MS,
): Promise<number> {
  try {
    return await until(holds, { withinMs });
  } catch (error) {
    throw new Error(`${text}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/**
 * Lets time go by in which something must not happen, or must go on: at least so long, and longer where the machine
 * serves others. For what must happen there are conditions.
 */
export async function quietFor(ms: number, why: string): Promise<void> {
  if (why === '') throw new Error('whoever waits says why');
  const served = new ServedTime();
  while (served.look() < ms) await rest(Math.min(ms, LOOK_EVERY_MS));
}

/** Calls `ring` once so much served time has gone by. @returns what puts it off */
export function alarm(ms: number, ring: () => void): () => void {
  const served = new ServedTime(MOST_AN_ALARM_LOOK_MS);
  const looks = setInterval(() => {
    if (served.look() < ms) return;
    clearInterval(looks);
    ring();
  }, ALARM_EVERY_MS);
  return () => clearInterval(looks);
}

/** Measures what a test does in served time. */
export function stopwatch(): { ms(): number } & Disposable {
  const served = new ServedTime();
  const ticks = setInterval(() => served.look(), LOOK_EVERY_MS);
  return { ms: () => served.look(), [Symbol.dispose]: () => clearInterval(ticks) };
}
