/** Lengths of slots in seconds that cut a minute, or an hour, into equal parts. */
const EVEN_SECONDS = [
  1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60, 120, 180, 240, 300, 360, 600, 720, 900, 1_200, 1_800, 3_600,
];

/**
 * How long a slot of the sweep is: as long as the shortest interval, or as much shorter as it takes for the slots to be of
 * one length. A target whose interval is longer is probed in some of them.
 * @param intervalsMs at least one, 1 s or more
 */
export function slotMsOf(intervalsMs: readonly number[]): number {
  const shortestSeconds = Math.min(...intervalsMs) / 1_000;
  return (EVEN_SECONDS.findLast((seconds) => seconds <= shortestSeconds) ?? 1) * 1_000;
}

/** Cron with seconds first, in UTC. @param slotMs of `slotMsOf` */
export function patternOf(slotMs: number): string {
  const seconds = slotMs / 1_000;
  if (seconds < 60) return `*/${seconds} * * * * *`;
  return seconds === 3_600 ? '0 0 * * * *' : `0 */${seconds / 60} * * * *`;
}
