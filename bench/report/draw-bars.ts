import { at, LINE_HEIGHT, SMALL, TEXT } from './drawing.ts';
import type { BarDrawing, BarRow, Drawn } from './drawing.ts';
import { markup } from './markup.ts';
import type { Markup } from './markup.ts';
import { charactersIn, textWidth, wrapText } from './text-layout.ts';
import { axisFor, linearAxis, positionOn, tickTexts } from './ticks.ts';
import type { Axis } from './ticks.ts';

const GAP = 10;
const BAR = 14;
const ROW_PADDING = 10;
/** Values are bold: as wide as letters of this size. */
const BOLD = TEXT + 1;
/** The column of labels is at most this share of the width. */
const LABEL_SHARE = 0.34;

interface Plot {
  readonly left: number;
  readonly right: number;
  readonly axis: Axis;
  readonly x: (value: number) => number;
}

interface Row {
  readonly row: BarRow;
  readonly label: readonly string[];
  readonly detail: readonly string[];
  readonly top: number;
  readonly height: number;
}

/** Horizontal bars from zero with whiskers from the lowest to the highest round: labels | plot | values. */
export function drawBars({ axis: axisText, rows, equalAtOne }: BarDrawing, width: number): Drawn {
  const labelWidth = Math.min(
    width * LABEL_SHARE,
    Math.max(...rows.map((row) => Math.max(textWidth(row.label, TEXT), textWidth(row.detail ?? '', SMALL))), 40),
  );
  const valueWidth = Math.max(
    ...rows.map(({ value, remark }) => Math.max(textWidth(value, BOLD), textWidth(remark ?? '', SMALL))),
    40,
  );
  const laidOut = layOut(rows, labelWidth);
  const plot = plotFor({ left: labelWidth + GAP, right: width - valueWidth - GAP, rows, fromOne: equalAtOne === true });
  const bottom = laidOut.reduce((y, row) => y + row.height, 0);
  const centre = (plot.left + plot.right) / 2;
  const room = 2 * Math.min(centre, width - centre);
  const axisLines = wrapText(axisText, { most: charactersIn(room, SMALL), lines: 2 });
  const body = markup`
<rect class="plot" x="${at(plot.left)}" y="0" width="${at(plot.right - plot.left)}" height="${at(bottom)}"/>
${ticks(plot, bottom)}
${equalAtOne === true ? markup`<line class="one" x1="${at(plot.x(1))}" x2="${at(plot.x(1))}" y1="0" y2="${at(bottom)}"/>` : ''}
${laidOut.map((row) => drawRow(row, { plot, labelWidth, width }))}
${axisLines.map((line, i) => markup`<text class="small axis" x="${at(centre)}" y="${at(bottom + 34 + i * 14)}" text-anchor="middle">${line}</text>`)}`;
  return { body, height: bottom + 26 + axisLines.length * 14, description: describe(rows) };
}

function layOut(rows: readonly BarRow[], labelWidth: number): Row[] {
  let top = 0;
  return rows.map((row) => {
    const label = wrapText(row.label, { most: charactersIn(labelWidth, TEXT), lines: 3 });
    const detail = wrapText(row.detail ?? '', { most: charactersIn(labelWidth, SMALL), lines: 2 });
    const lines = Math.max(label.length + detail.length, row.remark === undefined ? 1 : 2);
    const one = { row, label, detail, top, height: lines * LINE_HEIGHT + ROW_PADDING };
    top += one.height;
    return one;
  });
}

function plotFor(room: { left: number; right: number; rows: readonly BarRow[]; fromOne: boolean }): Plot {
  const { left, right, rows, fromOne } = room;
  const targets = rows.flatMap(({ target }) => (target === undefined ? [] : [target]));
  const values = rows.flatMap(({ summary }) => (summary === undefined ? [] : [summary.min, summary.max]));
  const all = [0, ...values, ...targets, ...(fromOne ? [1] : [])];
  const about = Math.max(2, Math.floor((right - left) / 55));
  // Bars have lengths, so their axis begins at zero and is never logarithmic.
  const axis = all.length === 1 ? axisFor([], about, true) : linearAxis(Math.min(...all), Math.max(...all), about);
  return { left, right, axis, x: (value) => left + positionOn(axis, value) * (right - left) };
}

function ticks({ axis, x }: Plot, bottom: number): Markup[] {
  const texts = tickTexts(axis);
  return axis.ticks.map(
    (tick, i) => markup`<line class="grid" x1="${at(x(tick))}" x2="${at(x(tick))}" y1="0" y2="${at(bottom)}"/>
<text class="small tick" x="${at(x(tick))}" y="${at(bottom + 16)}" text-anchor="middle">${texts[i]}</text>`,
  );
}

function drawRow(laidOut: Row, room: { plot: Plot; labelWidth: number; width: number }): Markup {
  const { row, label, detail, top, height } = laidOut;
  const { plot, labelWidth, width } = room;
  const middle = top + height / 2;
  const first = middle - ((label.length + detail.length) * LINE_HEIGHT) / 2 + 12;
  const valueLines = row.remark === undefined ? 1 : 2;
  const valueTop = middle - (valueLines * LINE_HEIGHT) / 2 + 12;
  const y = (line: number): string => at(first + line * LINE_HEIGHT);
  return markup`
${label.map((line, i) => markup`<text class="label" x="${at(labelWidth)}" y="${y(i)}" text-anchor="end">${line}</text>`)}
${detail.map((line, i) => markup`<text class="small label" x="${at(labelWidth)}" y="${y(label.length + i)}" text-anchor="end">${line}</text>`)}
${bar(row, plot, middle)}
${target(row, plot, laidOut)}
<text class="value" x="${at(width)}" y="${at(valueTop)}" text-anchor="end">${row.value}</text>
${row.remark === undefined ? '' : markup`<text class="small" x="${at(width)}" y="${at(valueTop + LINE_HEIGHT)}" text-anchor="end">${row.remark}</text>`}`;
}

function bar({ summary, ours }: BarRow, { x }: Plot, middle: number): Markup | undefined {
  if (summary === undefined) return undefined;
  const { median, min, max } = summary;
  const from = x(Math.min(0, median));
  const length = Math.max(1, x(Math.max(0, median)) - from);
  const whisker = `M${at(x(min))} ${at(middle)}H${at(x(max))}M${at(x(min))} ${at(middle - 4)}v8M${at(x(max))} ${at(middle - 4)}v8`;
  return markup`<rect class="bar ${ours ? 'ours' : 'peer'}" x="${at(from)}" y="${at(middle - BAR / 2)}" width="${at(length)}" height="${BAR}" rx="2"/>
${min === max ? '' : markup`<path class="halo" d="${whisker}"/><path class="whisker" d="${whisker}"/>`}`;
}

function target({ target: value }: BarRow, { x }: Plot, { top, height }: Row): Markup | undefined {
  if (value === undefined) return undefined;
  return markup`<line class="target" x1="${at(x(value))}" x2="${at(x(value))}" y1="${at(top + 2)}" y2="${at(top + height - 2)}"/>`;
}

const describe = (rows: readonly BarRow[]): string =>
  rows
    .map(({ label, detail, value, remark }) => {
      const name = detail === undefined ? label : `${label}, ${detail}`;
      return `${name}: ${value}${remark === undefined ? '' : ` ${remark}`}`;
    })
    .join('; ');
