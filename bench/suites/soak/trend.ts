export type XY = readonly [x: number, y: number];

export interface Line {
  readonly slope: number;
  at(x: number): number;
}

/** Least squares. Undefined for fewer than two different x. */
export function fitLine(points: readonly XY[]): Line | undefined {
  const mean = (pick: (point: XY) => number): number =>
    points.reduce((sum, point) => sum + pick(point), 0) / points.length;
  const meanX = mean(([x]) => x);
  const meanY = mean(([, y]) => y);
  const spread = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  if (!(spread > 0)) return undefined;
  const slope = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / spread;
  return { slope, at: (x) => meanY + slope * (x - meanX) };
}

/** How a quantity went over a run, by a line through its last three quarters. */
export interface Growth {
  /** On the line, after the first quarter and at the end. */
  readonly level: number;
  readonly end: number;
  readonly grown: number;
}

/** The first quarter is warm-up. Undefined where too few samples lie after it. `points` are seconds and values. */
export function growthOf(points: readonly XY[], seconds: number): Growth | undefined {
  const quarter = seconds / 4;
  const line = fitLine(points.filter(([x]) => x >= quarter));
  if (line === undefined) return undefined;
  const [level, end] = [line.at(quarter), line.at(seconds)];
  return { level, end, grown: end - level };
}

export interface Bound {
  /** Of the level after the first quarter. */
  readonly share: number;
  /** Or so much, where that is more. */
  readonly least: number;
}

export const mostGrowth = (level: number, { share, least }: Bound): number => Math.max(level * share, least);
