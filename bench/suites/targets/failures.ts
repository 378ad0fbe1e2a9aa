import type { TimeSlice } from '../../shared/load/plan.ts';

/** What clients saw go wrong in a part of a run. */
export interface Failures {
  readonly count: number;
  /** By status, or `no answer`. */
  readonly kinds: Readonly<Record<string, number>>;
  /** End of the last slice in which one was told, in ms from the part's beginning; 0 = none was. */
  readonly lastMs: number;
}

/** Everything but a 200, in the slices that begin from `fromMs` on and before `untilMs`. */
export function failuresIn(
  timeline: readonly TimeSlice[],
  { fromMs = 0, untilMs = Number.POSITIVE_INFINITY, sliceMs }: { fromMs?: number; untilMs?: number; sliceMs: number },
): Failures {
  const kinds: Record<string, number> = {};
  let count = 0;
  let lastMs = 0;
  for (const slice of timeline) {
    if (slice.atMs < fromMs || slice.atMs >= untilMs) continue;
    for (const [kind, seen] of Object.entries({ ...slice.statuses, 'no answer': slice.errors })) {
      if (kind === '200' || seen === 0) continue;
      kinds[kind] = (kinds[kind] ?? 0) + seen;
      count += seen;
      lastMs = slice.atMs + sliceMs - fromMs;
    }
  }
  return { count, kinds, lastMs };
}

/** `503: 98, no answer: 2`; `none`. */
export function inWords({ kinds }: Failures): string {
  const parts = Object.entries(kinds).map(([kind, count]) => `${kind}: ${count}`);
  return parts.length === 0 ? 'none' : parts.join(', ');
}
