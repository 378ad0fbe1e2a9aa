import type { Chart } from '../shared/result.ts';
import { summarize } from '../shared/statistics.ts';
import { at, SMALL } from './drawing.ts';
import type { Drawn } from './drawing.ts';
import { markup } from './markup.ts';
import type { Markup } from './markup.ts';
import { formatNumber, formatRange } from './numbers.ts';
import { charactersIn, textWidth, wrapText } from './text-layout.ts';
import { thinOut } from './thin-out.ts';
import { axisFor, positionOn, tickTexts } from './ticks.ts';
import type { Axis } from './ticks.ts';

const PLOT_HEIGHT = 180;
const LEGEND_LINE = 18;
const LANE = 15;
/** Up to here each point gets a dot. */
const DOTS_UP_TO = 40;
/** Colours and dash patterns in the style sheet; both change from line to line, so that no colour need be seen. */
const STYLES = 8;

interface Plot {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  readonly xAxis: Axis;
  readonly yAxis: Axis;
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
}

/** Lines over a common axis, from the top: legend, unit, labels of the marks, plot, ticks, the name of the x axis. */
export function drawLines(chart: Chart, width: number): Drawn {
  const legend = drawLegend(chart, width);
  const yAxis = axisFor(
    chart.lines.flatMap(({ points }) => points.map(([, y]) => y)),
    5,
    true,
  );
  const yTexts = tickTexts(yAxis);
  const left = Math.max(...yTexts.map((text) => textWidth(text, SMALL))) + 8;
  const marks = chart.marks ?? [];
  const xs = [...chart.lines.flatMap(({ points }) => points.map(([x]) => x)), ...marks.map(({ x }) => x)];
  const xAxis = axisFor(xs, Math.floor((width - left) / 60), false);
  const xTexts = tickTexts(xAxis);
  const right = width - textWidth(xTexts.at(-1) ?? '', SMALL) / 2;
  const x = (value: number): number => left + positionOn(xAxis, value) * (right - left);
  const placed = layOutMarks(marks, { x, width });
  const top = legend.height + 20 + Math.max(0, ...placed.map(({ lane }) => lane + 1)) * LANE + 6;
  const bottom = top + PLOT_HEIGHT;
  const y = (value: number): number => bottom - positionOn(yAxis, value) * PLOT_HEIGHT;
  const plot: Plot = { left, right, top, bottom, xAxis, yAxis, x, y };
  const body = markup`${legend.body}
<text class="small axis" x="0" y="${at(legend.height + 12)}">${cut(withUnit(chart.y), width)}</text>
<rect class="plot" x="${at(left)}" y="${at(top)}" width="${at(right - left)}" height="${PLOT_HEIGHT}"/>
${grid(plot, yTexts)}
${placed.map((mark) => drawMark(mark, { top: legend.height + 20, bottom }))}
${chart.lines.map((line, i) => drawLine(line, i, plot))}
<text class="small axis" x="${at((left + right) / 2)}" y="${at(bottom + 34)}" text-anchor="middle">${cut(withUnit(chart.x), width)}</text>`;
  return { body, height: bottom + 40, description: describe(chart) };
}

const withUnit = ({ label, unit }: Chart['x']): string => (unit === '' ? label : `${label}, ${unit}`);

const cut = (text: string, width: number): string =>
  wrapText(text, { most: charactersIn(width, SMALL), lines: 1 })[0] ?? '';

function grid({ left, right, top, bottom, xAxis, yAxis, x, y }: Plot, yTexts: readonly string[]): Markup[] {
  const xTexts = tickTexts(xAxis);
  return [
    ...yAxis.ticks.map(
      (
        tick,
        i,
      ) => markup`<line class="grid" x1="${at(left)}" x2="${at(right)}" y1="${at(y(tick))}" y2="${at(y(tick))}"/>
<text class="small tick" x="${at(left - 5)}" y="${at(y(tick) + 4)}" text-anchor="end">${yTexts[i]}</text>`,
    ),
    ...xAxis.ticks.map(
      (
        tick,
        i,
      ) => markup`<line class="grid" x1="${at(x(tick))}" x2="${at(x(tick))}" y1="${at(top)}" y2="${at(bottom)}"/>
<text class="small tick" x="${at(x(tick))}" y="${at(bottom + 16)}" text-anchor="middle">${xTexts[i]}</text>`,
    ),
  ];
}

function drawLine({ name, points }: Chart['lines'][number], index: number, { x, y, left, right }: Plot): Markup {
  const shown = thinOut(points, Math.floor(right - left));
  const path = shown.map(([px, py], i) => `${i === 0 ? 'M' : 'L'}${at(x(px))} ${at(y(py))}`).join('');
  const style = `line-${index % STYLES}`;
  const dots = shown.length > DOTS_UP_TO ? [] : shown;
  return markup`<g class="${style}" data-name="${name}"><path class="line" d="${path}"/>
${dots.map(([px, py]) => markup`<circle class="dot" cx="${at(x(px))}" cy="${at(y(py))}" r="2.5"/>`)}</g>`;
}

function drawLegend({ lines }: Chart, width: number): { body: Markup; height: number } {
  let left = 0;
  let row = 0;
  const entries = lines.map(({ name }, i) => {
    const text = cut(name, width - 34);
    const needs = 34 + textWidth(text, SMALL) + 12;
    if (left > 0 && left + needs > width + 12) [left, row] = [0, row + 1];
    const from = left;
    left += needs;
    const y = row * LEGEND_LINE + 9;
    return markup`<g class="line-${i % STYLES}"><path class="line" d="M${at(from)} ${y}h28"/><circle class="dot" cx="${at(from + 14)}" cy="${y}" r="2.5"/></g>
<text class="small" x="${at(from + 34)}" y="${y + 4}">${text}</text>`;
  });
  return { body: markup`${entries}`, height: (row + 1) * LEGEND_LINE };
}

interface PlacedMark {
  readonly x: number;
  readonly text: string;
  readonly textX: number;
  readonly lane: number;
}

/**
 * Labels of marks stand above the plot, each in the highest lane from which its line reaches the plot without crossing
 * another label: to the right of their lines, or, where there is no room, to the left in lanes above all those.
 */
function layOutMarks(
  marks: NonNullable<Chart['marks']>,
  { x, width }: { x: (value: number) => number; width: number },
): PlacedMark[] {
  const all = marks
    .map(({ x: value, label }) => {
      const text = cut(label, width * 0.45); // so that it fits on one side or the other
      return { x: x(value), text, length: textWidth(text, SMALL) + 4 };
    })
    .toSorted((a, b) => a.x - b.x);
  // From the right: no label may lie across the line of a mark whose own label is to the left of that line.
  let end = width;
  const toTheLeft = all
    .toReversed()
    .filter((mark) => {
      if (mark.x + mark.length <= end) return false;
      end = mark.x - 4;
      return true;
    })
    .toReversed();
  const ends: number[] = [];
  const right = all.filter((mark) => !toTheLeft.includes(mark));
  const toTheRight = right.map((mark) => {
    const lane = ends.findLastIndex((one) => one > mark.x - 4) + 1;
    ends.splice(lane, ends.length, mark.x + mark.length);
    return { ...mark, textX: mark.x + 4, lane: lane + toTheLeft.length };
  });
  return [
    ...toTheRight,
    ...toTheLeft.map((mark, i) => ({ ...mark, textX: mark.x - mark.length, lane: toTheLeft.length - 1 - i })),
  ];
}

function drawMark({ x, text, textX, lane }: PlacedMark, { top, bottom }: { top: number; bottom: number }): Markup {
  const y = top + lane * LANE;
  return markup`<line class="mark" x1="${at(x)}" x2="${at(x)}" y1="${at(y + 3)}" y2="${at(bottom)}"/>
<text class="small mark-label" x="${at(textX)}" y="${at(y + 11)}">${text}</text>`;
}

function describe({ lines, y, marks = [] }: Chart): string {
  const ofLines = lines.map(({ name, points }) => {
    const summary = summarize(points.map(([, value]) => value));
    return summary === undefined
      ? `${name}: no values`
      : `${name}: ${points.length} values, median ${formatNumber(summary.median)}, ${formatRange(summary)} ${y.unit}`;
  });
  return [...ofLines, ...marks.map(({ x, label }) => `mark at ${formatNumber(x)}: ${label}`)].join('; ');
}
