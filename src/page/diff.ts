/** A line of a text beside another one. */
export interface DiffLine {
  readonly kind: 'same' | 'gone' | 'new';
  readonly text: string;
}

/** More lines are not compared: the table would grow with their square. */
const MOST_LINES = 1_500;

/** What makes one text the other, line by line; `undefined`: they are too long. */
export function diff(before: readonly string[], after: readonly string[]): readonly DiffLine[] | undefined {
  let [start, endBefore, endAfter] = [0, before.length, after.length];
  while (start < endBefore && start < endAfter && before[start] === after[start]) start++;
  while (endBefore > start && endAfter > start && before[endBefore - 1] === after[endAfter - 1]) {
    endBefore--;
    endAfter--;
  }
  const same = (lines: readonly string[]): DiffLine[] => lines.map((text) => ({ kind: 'same', text }));
  const [a, b] = [before.slice(start, endBefore), after.slice(start, endAfter)];
  if (a.length > MOST_LINES || b.length > MOST_LINES) return undefined;
  return [...same(before.slice(0, start)), ...between(a, b), ...same(before.slice(endBefore))];
}

/** By the longest common subsequence. */
function between(a: readonly string[], b: readonly string[]): readonly DiffLine[] {
  const width = b.length + 1;
  const longest = new Uint16Array((a.length + 1) * width);
  const at = (i: number, j: number): number => longest[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      longest[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ kind: 'same', text: a[i] ?? '' });
      i++;
      j++;
    } else if (j >= b.length || (i < a.length && at(i + 1, j) >= at(i, j + 1))) {
      lines.push({ kind: 'gone', text: a[i++] ?? '' });
    } else {
      lines.push({ kind: 'new', text: b[j++] ?? '' });
    }
  }
  return lines;
}
