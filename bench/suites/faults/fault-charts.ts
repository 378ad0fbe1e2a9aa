import type { Chart } from '../../shared/result.ts';
import { decisionLines } from './decisions.ts';
import type { Fault } from './fault.ts';
import type { FaultRun } from './fault-run.ts';

/** How long answers took, and who decided, over one fault. */
export function faultCharts({ title, over }: Fault, run: FaultRun): Chart[] {
  const { seen, startedMs, beganMs, overMs, looks } = run;
  const seconds = (atMs: number): number => Math.max(0, atMs - startedMs) / 1000;
  const marks = [
    { x: seconds(beganMs), label: title },
    { x: seconds(overMs), label: over },
  ];
  const x = { label: 'time', unit: 's' };
  const answered = seen.timeline.filter(({ maxUs }) => maxUs > 0);
  const line = (name: string, us: (slice: (typeof answered)[number]) => number) => ({
    name,
    points: answered.map((slice): [number, number] => [slice.atMs / 1000, us(slice) / 1000]),
  });
  const latency = {
    title: `${title}: how long answers take, in slices of 100 ms`,
    x,
    y: { label: 'latency', unit: 'ms' },
    lines: [line('p99', ({ p99Us }) => p99Us), line('slowest', ({ maxUs }) => maxUs)],
    marks,
  };
  const lines = decisionLines(looks, startedMs);
  if (lines.length === 0) return [latency];
  const who = { title: `${title}: who decides about limits`, x, y: { label: 'decisions', unit: '1/s' }, lines, marks };
  return [latency, who];
}
