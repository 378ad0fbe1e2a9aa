import { CronExpressionParser } from 'cron-parser';

/** From this period on a job runs so often that what its runs were is nobody's concern. */
const OFTEN_MS = 60_000;
const KEPT_OF_OFTEN = 3;
const KEPT = 20;

/**
 * The first slot of a cron pattern after this moment. Slots are those of UTC, wherever the process runs.
 *
 * @throws {Error} when it is no pattern
 */
export const slotAfter = (pattern: string, afterMs: number): number =>
  CronExpressionParser.parse(pattern, { tz: 'UTC', currentDate: new Date(afterMs) })
    .next()
    .getTime();

/** Milliseconds between the next two slots. */
export function periodOf(pattern: string, nowMs: number): number {
  const first = slotAfter(pattern, nowMs);
  return slotAfter(pattern, first) - first;
}

/** How many runs that have ended are kept. */
export const keptRuns = (pattern: string, nowMs: number): number =>
  periodOf(pattern, nowMs) < OFTEN_MS ? KEPT_OF_OFTEN : KEPT;
