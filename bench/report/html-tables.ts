import type { Chart, Check, CpuShare, Ratio } from '../shared/result.ts';
import { summarize } from '../shared/statistics.ts';
import { checkText, judgeRatio, targetText, verdictText } from './facts.ts';
import type { MeasureGroup } from './facts.ts';
import { Markup, markup } from './markup.ts';
import { formatNumber } from './numbers.ts';

type Cell = string | number | Markup;

/** Longer series are told by their summary; their values are in the JSON file. */
const MOST_POINTS = 100;

/** Numbers (as numbers) stand to the right. The label is what a screen reader calls the part that may scroll. */
export function table(content: { label: string; head: readonly string[]; rows: readonly (readonly Cell[])[] }): Markup {
  const { label, head, rows } = content;
  const numeric = head.map((_, column) => rows.every((row) => typeof row[column] === 'number' || row[column] === '–'));
  const style = (column: number): string => (numeric[column] === true ? 'number' : '');
  return markup`<div class="scroll" role="region" tabindex="0" aria-label="${label}"><table><thead><tr>
${head.map((text, i) => markup`<th scope="col" class="${style(i)}">${text}</th>`)}</tr></thead><tbody>
${rows.map((row) => markup`<tr>${row.map((cell, i) => markup`<td class="${style(i)}">${typeof cell === 'number' ? formatNumber(cell) : cell}</td>`)}</tr>\n`)}</tbody></table></div>`;
}

export function measureTable({ case: name, measures }: MeasureGroup): Markup {
  const rows = measures.map(({ subject, samples }) => [subject, ...summaryCells(samples), eachRound(samples)]);
  return table({ label: name, head: ['subject', 'median', 'lowest', 'highest', 'each round'], rows });
}

export function ratioTable(ratios: readonly Ratio[]): Markup {
  const rows = ratios.map((ratio) => {
    const verdict = judgeRatio(ratio);
    const numbers = verdict.kind === 'refused' ? ['–', '–', '–'] : summaryCells(ratio.samples);
    const style = verdict.kind === 'met' ? 'pass' : verdict.kind === 'none' ? '' : 'fail';
    const words = markup`<span class="${style}">${verdictText(verdict)}</span>`;
    return [
      ratio.case,
      `${ratio.subject} / ${ratio.against}`,
      ...numbers,
      targetText(ratio) ?? 'none',
      words,
      eachRound(ratio.samples),
    ];
  });
  const head = ['case', 'ratio', 'median', 'lowest', 'highest', 'target', 'verdict', 'each round'];
  return table({ label: 'Ratios', head, rows });
}

/** The words say it, the colour only helps. */
export const checkList = (checks: readonly Check[]): Markup =>
  markup`<ul class="checks">${checks.map(
    (check) =>
      markup`<li><span class="${check.ok ? 'pass' : 'fail'}">${checkText(check)}</span>: ${check.what} <span class="muted">(${check.case}) ${check.detail}</span></li>`,
  )}</ul>`;

export function cpuTable(shares: readonly CpuShare[]): Markup {
  const names = [...new Set(shares.flatMap(({ busyCores }) => Object.keys(busyCores)))];
  const rows = shares.map(({ case: name, subject, busyCores }) => [
    name,
    subject,
    ...names.map((process) => busyCores[process] ?? '–'),
  ]);
  return table({ label: 'CPU by process', head: ['case', 'subject', ...names], rows });
}

/** The numbers of a line chart, folded away: there are many, and the drawing shows what matters. */
export const foldedTable = (chart: Chart): Markup =>
  markup`<details><summary>Numbers</summary>${lineTable(chart)}</details>`;

/** Every point where they are few; a line's summary where they are many. */
function lineTable({ title, x, lines, marks = [] }: Chart): Markup {
  const xs = [...new Set(lines.flatMap(({ points }) => points.map(([at]) => at)))].sort((a, b) => a - b);
  const few = xs.length <= MOST_POINTS;
  const content = few ? pointRows(lines, xs) : lines.map(({ name, points }) => lineRow(name, points));
  const head = few ? [x.label, ...lines.map(({ name }) => name)] : ['line', 'values', 'median', 'lowest', 'highest'];
  const list = marks.map(({ x: at, label }) => markup`<li>${formatNumber(at)} ${x.unit}: ${label}</li>`);
  return markup`${table({ label: title, head, rows: content })}${list.length === 0 ? '' : markup`<ul>${list}</ul>`}`;
}

function pointRows(lines: Chart['lines'], xs: readonly number[]): Cell[][] {
  const byX = lines.map(({ points }) => new Map(points));
  return xs.map((at) => [at, ...byX.map((values) => values.get(at) ?? '–')]);
}

const lineRow = (name: string, points: Chart['lines'][number]['points']): Cell[] => [
  name,
  points.length,
  ...summaryCells(points.map(([, y]) => y)),
];

function summaryCells(samples: readonly number[]): Cell[] {
  const summary = summarize(samples);
  return summary === undefined ? ['–', '–', '–'] : [summary.median, summary.min, summary.max];
}

const eachRound = (samples: readonly number[]): string => samples.map(formatNumber).join(', ') || '–';
