import { FIGURES } from '../../shared/figures.ts';
import type { MeasuredRun } from '../../shared/measured-run.ts';
import { summarize } from '../../shared/statistics.ts';

/** Of the subject's CPU per message: a load generator that needs no more is clearly the lighter of the two. */
const LIGHT = 0.8;

/**
 * Why these runs of one subject are not compared: the load generator was not clearly lighter than it, so that the subject
 * may have waited for the load, and was woken for fewer messages at a time than a client of its own would send. Undefined
 * = they may be.
 */
export function heavyLoad(runs: readonly MeasuredRun[], subject: string): string | undefined {
  const own = runs.filter((run) => run.subject === subject && run.problems.length === 0);
  const median = (of: (run: MeasuredRun) => number): number => summarize(own.map(of))?.median ?? 0;
  const [load, its] = [median(FIGURES['cpu-load'].of), median(FIGURES['cpu-per-message'].of)];
  if (own.length === 0 || load <= its * LIGHT) return undefined;
  return `${subject}: the load generator needed ${load.toFixed(1)} µs a message, it ${its.toFixed(1)} µs: not clearly lighter`;
}
