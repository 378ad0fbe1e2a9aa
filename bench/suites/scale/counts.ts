/** 1, 2, 4 … up to the most, which is always the last. */
export function doublings(most: number): number[] {
  const counts: number[] = [];
  for (let count = 1; count < most; count *= 2) counts.push(count);
  return [...counts, Math.max(1, most)];
}

/** 1, 2, 3 … */
export const upTo = (most: number): number[] => Array.from({ length: Math.max(1, most) }, (_, i) => i + 1);

export const inWords = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`;
