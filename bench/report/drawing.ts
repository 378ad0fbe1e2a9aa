import type { Chart } from '../shared/result.ts';
import type { Summary } from '../shared/statistics.ts';
import type { Markup } from './markup.ts';

/** One bar with its whisker; without a summary there is only the text of `value`. */
export interface BarRow {
  readonly label: string;
  /** In smaller letters under the label. */
  readonly detail?: string;
  readonly summary: Summary | undefined;
  /** To the right of the plot: the median, and under it the spread or the verdict. */
  readonly value: string;
  readonly remark?: string;
  /** Drawn in the colour of what the bench is about. */
  readonly ours: boolean;
  /** A mark across the row. */
  readonly target?: number | undefined;
}

export interface BarDrawing {
  readonly kind: 'bars';
  readonly title: string;
  /** What the numbers are, such as `CPU per request, µs (lower is better)`; under the axis. */
  readonly axis: string;
  readonly rows: readonly BarRow[];
  /** A line through all rows at 1: equal. */
  readonly equalAtOne?: boolean;
}

export interface LineDrawing {
  readonly kind: 'lines';
  readonly chart: Chart;
}

export type Drawing = BarDrawing | LineDrawing;

/** What a drawing function gives: the elements, how high they are, and what they show in words. */
export interface Drawn {
  readonly body: Markup;
  readonly height: number;
  readonly description: string;
}

/** Sizes of letters, in the units of the drawing (CSS pixels at its natural width). */
export const TEXT = 13;
export const SMALL = 11;
export const LINE_HEIGHT = 16;

/** A coordinate: a tenth of a pixel is enough, and keeps the files small. */
export const at = (value: number): string => String(Math.round(value * 10) / 10);
