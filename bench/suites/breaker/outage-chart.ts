import type { Chart } from '../../shared/result.ts';
import type { TimeSlice } from '../../shared/load/plan.ts';
import type { OutageFacts } from './outage-facts.ts';
import type { Outage, OutageKind } from './outage.ts';

const STEP_MS = 100;

/** Answers a second by what they were, over one outage. */
export function outageChart({ title, failedStatus }: OutageKind, outage: Outage, facts: OutageFacts): Chart {
  const { seen, startedMs, failedMs, returnedMs } = outage;
  const line = (name: string, status: string) => ({ name, points: ratePoints(seen.timeline, status) });
  const mark = (atMs: number | undefined, label: string) =>
    atMs === undefined ? [] : [{ x: Math.max(0, atMs - startedMs) / 1000, label }];
  const { allOpenMs, allClosedMs } = facts;
  return {
    title: `Answers while the ${title}`,
    x: { label: 'time', unit: 's' },
    y: { label: 'answers', unit: '1/s' },
    lines: [
      line('200 from the upstream', '200'),
      line('503 refused by the breaker', '503'),
      line(`${failedStatus} failed`, failedStatus),
    ],
    marks: [
      ...mark(failedMs, 'fails'),
      ...mark(allOpenMs === undefined ? undefined : failedMs + allOpenMs, 'all nodes OPEN'),
      ...mark(returnedMs, 'is back'),
      ...mark(allClosedMs === undefined ? undefined : returnedMs + allClosedMs, 'all nodes CLOSED'),
    ],
  };
}

/** Answers of one status, a point for each tenth of a second. */
function ratePoints(timeline: readonly TimeSlice[], status: string): [number, number][] {
  const counts: number[] = [];
  for (const { atMs, statuses } of timeline) {
    const step = Math.floor(atMs / STEP_MS);
    while (counts.length <= step) counts.push(0);
    counts[step] = (counts[step] ?? 0) + (statuses[status] ?? 0);
  }
  return counts.map((count, step) => [(step * STEP_MS) / 1000, (count * 1000) / STEP_MS]);
}
