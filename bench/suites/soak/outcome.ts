import type { TimeSlice } from '../../shared/load/plan.ts';

/** While something was down or had just come back; seconds from the start of the load that is looked at. */
export interface FaultWindow {
  readonly fromSeconds: number;
  readonly toSeconds: number;
  /** What may be answered then besides 2xx. */
  readonly statuses: readonly string[];
}

export interface Outcome {
  readonly answered: number;
  /** Outside all windows: answers that were not 2xx, and requests without an answer. */
  readonly lost: number;
  /** Inside: the same, which is what faults do. */
  readonly lostInside: number;
  /** Inside: statuses that no window it may belong to allows, with how often. */
  readonly unexpected: Readonly<Record<string, number>>;
}

/** Tells apart what was lost because of a fault and what was not. A slice that touches a window belongs to it. */
export function judge(timeline: readonly TimeSlice[], sliceMs: number, windows: readonly FaultWindow[]): Outcome {
  let [answered, lost, lostInside] = [0, 0, 0];
  const unexpected: Record<string, number> = {};
  for (const slice of timeline) {
    const [from, to] = [slice.atMs / 1000, (slice.atMs + sliceMs) / 1000];
    const around = windows.filter(({ fromSeconds, toSeconds }) => fromSeconds < to && from < toSeconds);
    const allowed = new Set(around.flatMap(({ statuses }) => statuses));
    for (const [status, count] of Object.entries(slice.statuses)) {
      answered += count;
      if (status.startsWith('2') || around.length === 0 || allowed.has(status)) continue;
      unexpected[status] = (unexpected[status] ?? 0) + count;
    }
    if (around.length === 0) lost += lostIn(slice);
    else lostInside += lostIn(slice);
  }
  return { answered, lost, lostInside, unexpected };
}

/** Requests of one slice without an answer, or with one that is not 2xx. */
export function lostIn({ statuses, errors }: TimeSlice): number {
  const refused = Object.entries(statuses).filter(([status]) => !status.startsWith('2'));
  return refused.reduce((sum, [, count]) => sum + count, errors);
}
