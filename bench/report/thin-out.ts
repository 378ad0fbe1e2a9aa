export type Point = readonly [x: number, y: number];

/**
 * No more points than a drawing can show: of each of `columns` equal parts of the x axis the first, the lowest, the
 * highest and the last point, so no peak is lost. Few points are kept as they are; all are sorted by x.
 */
export function thinOut(points: readonly Point[], columns: number): Point[] {
  const sorted = points.toSorted(([a], [b]) => a - b);
  const low = sorted[0]?.[0] ?? 0;
  const span = (sorted.at(-1)?.[0] ?? 0) - low;
  if (sorted.length <= columns * 4 || span <= 0) return sorted;
  const parts = new Map<number, Point[]>();
  for (const point of sorted) {
    const column = Math.min(columns - 1, Math.floor(((point[0] - low) / span) * columns));
    const part = parts.get(column);
    if (part === undefined) parts.set(column, [point]);
    else part.push(point);
  }
  return [...parts.values()].flatMap(corners);
}

function corners(part: readonly Point[]): Point[] {
  const values = part.map(([, y]) => y);
  const lowest = values.reduce((best, y, i) => (y < (values[best] ?? y) ? i : best), 0);
  const highest = values.reduce((best, y, i) => (y > (values[best] ?? y) ? i : best), 0);
  const kept = new Set([0, lowest, highest, part.length - 1]);
  return part.filter((_, i) => kept.has(i));
}
