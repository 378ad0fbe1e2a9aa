import { isScalar, visit } from 'yaml';
import type { Document } from 'yaml';

/**
 * Where a mapping has a key that it had before: YAML 1.2, section 3.2.1.3. The library looks through all keys for each,
 * which takes a minute where there are 30,000 consumers.
 * @returns offsets of the later ones, in the order of the text
 */
export function duplicateKeys(document: Document): readonly number[] {
  const offsets: number[] = [];
  visit(document, {
    Map: (_key, { items }) => {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value)) offsets.push(key.range?.[0] ?? 0);
        else seen.add(key.value);
      }
    },
  });
  return offsets.toSorted((a, b) => a - b);
}
