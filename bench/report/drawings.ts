import type { Measure, Ratio } from '../shared/result.ts';
import { summarize } from '../shared/statistics.ts';
import type { BarDrawing, BarRow } from './drawing.ts';
import { betterText, judgeRatio, metricName, targetText } from './facts.ts';
import type { MeasureGroup } from './facts.ts';
import { formatNumber, formatRange } from './numbers.ts';

/** The subjects that the bench is about, whatever follows the name: `gateway`, `gateway, lease on`. */
const isOurs = (subject: string): boolean => /^gateway\b/i.test(subject);

/** A bar for each subject. */
export function measureBars(group: MeasureGroup): BarDrawing {
  const rows = group.measures.map((one) => measureRow(one, one.subject));
  return { kind: 'bars', title: `${group.case}: ${axisText(group)}`, axis: group.unit, rows };
}

/** What is counted: `CPU per request, µs (lower is better)`. */
export function axisText({ metric, unit, better }: Pick<MeasureGroup, 'metric' | 'unit' | 'better'>): string {
  const word = betterText(better);
  return `${metricName(metric)}${unit === '' ? '' : `, ${unit}`}${word === undefined ? '' : ` (${word})`}`;
}

export function measureRow({ subject, samples }: Measure, label: string, detail?: string): BarRow {
  const summary = summarize(samples);
  const remark = summary === undefined || samples.length === 1 ? {} : { remark: formatRange(summary) };
  const value = summary === undefined ? '–' : formatNumber(summary.median);
  return { label, ...(detail === undefined ? {} : { detail }), summary, value, ...remark, ours: isOurs(subject) };
}

/** All ratios of one metric, a bar for each, with its target across it. */
export function ratioBars(ratios: readonly Ratio[]): BarDrawing[] {
  const metrics = [...new Set(ratios.map(({ metric }) => metric))];
  return metrics.map((metric) => {
    const own = ratios.filter((ratio) => ratio.metric === metric);
    const targets = own.some((ratio) => targetText(ratio) !== undefined);
    const axis = `dashed line: equal${targets ? '; red line: target' : ''}`;
    return { kind: 'bars', title: `Ratios of ${metricName(metric)}`, axis, rows: own.map(ratioRow), equalAtOne: true };
  });
}

function ratioRow(ratio: Ratio): BarRow {
  const verdict = judgeRatio(ratio);
  const names = { label: `${ratio.subject} / ${ratio.against}`, detail: ratio.case, ours: isOurs(ratio.subject) };
  if (verdict.kind === 'refused') return { ...names, summary: undefined, value: 'no ratio', remark: 'see the table' };
  const { summary } = verdict;
  const row = { ...names, summary, value: formatNumber(summary.median), target: ratio.target };
  const target = targetText(ratio);
  return target === undefined ? row : { ...row, remark: `${target}: ${verdict.kind}` };
}
