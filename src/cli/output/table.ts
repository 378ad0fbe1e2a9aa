import { printable, span } from './text.ts';
import type { Line, Span } from './text.ts';

/** A column is its title; with `right`, its cells end at one edge (numbers). */
export interface Column {
  readonly title: string;
  readonly right?: boolean;
}

export type Cell = string | number | Span;

const GAP = '  ';

const toSpan = (cell: Cell | undefined): Span => {
  const { text, style } = typeof cell === 'object' ? cell : span(String(cell ?? ''));
  return { text: printable(text), style };
};

/** Rows under their titles, aligned. A column without a title in a table without any has no heading. */
export function table(columns: readonly Column[], rows: readonly (readonly Cell[])[]): readonly Line[] {
  const heading = columns.map(({ title }) => span(title, 'faint'));
  const body = rows.map((row) => columns.map((_, i) => toSpan(row[i])));
  const all = columns.some(({ title }) => title !== '') ? [heading, ...body] : body;
  const widths = columns.map((_, i) => Math.max(0, ...all.map((row) => row[i]?.text.length ?? 0)));
  return all.map((row) =>
    row.flatMap(({ text, style }, i) => {
      const room = ' '.repeat((widths[i] ?? 0) - text.length);
      const last = i === row.length - 1;
      const padded = columns[i]?.right === true ? [span(room), span(text, style)] : [span(text, style), span(room)];
      return last && columns[i]?.right !== true ? [span(text, style)] : [...padded, span(last ? '' : GAP)];
    }),
  );
}

/** Names and what they are, one a line. */
export const facts = (rows: readonly (readonly [string, Cell])[]): readonly Line[] =>
  table(
    [{ title: '' }, { title: '' }],
    rows.map(([name, value]) => [span(name, 'faint'), value]),
  );
