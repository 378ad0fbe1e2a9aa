import type { Chart } from '../../shared/result.ts';
import { failuresIn } from './failures.ts';
import type { DrillRun, DrillTimes } from './drill.ts';

/** One drill of each subject: the failures that clients were told of, a point for each slice. */
export function failuresChart(
  title: string,
  runs: readonly { readonly subject: string; readonly run: DrillRun }[],
  { quietSeconds, sliceMs }: DrillTimes,
): Chart {
  const lines = runs.map(({ subject, run: { seen } }) => ({
    name: subject,
    points: seen.timeline.map((slice): [number, number] => {
      const { count } = failuresIn([slice], { sliceMs });
      return [slice.atMs / 1000, (count * 1000) / sliceMs];
    }),
  }));
  return {
    title: `One of three targets, ${title}: requests that failed`,
    x: { label: 'time', unit: 's' },
    y: { label: 'failures', unit: '1/s' },
    lines,
    marks: [{ x: quietSeconds, label: title }],
  };
}
