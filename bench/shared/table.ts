/** Aligns columns: the first to the left and the rest to the right, or the last to the left as well, or all of them. */
export function table(
  rows: readonly (readonly string[])[],
  align: 'numbers' | 'left-last' | 'left' = 'numbers',
): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((text, i) => {
          const left = align === 'left' || i === 0 || (align === 'left-last' && i === row.length - 1);
          return left ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0);
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export const percent = (share: number): string => `${(share * 100).toFixed(1)}%`;
