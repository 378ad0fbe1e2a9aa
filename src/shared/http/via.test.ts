import { expect, test } from 'vitest';
import { hasLooped, VIA, VIA_OF_1_0 } from './via.ts';

const passed = (times: number): string =>
  Array.from({ length: times }, (_, i) => (i % 2 === 0 ? VIA : VIA_OF_1_0)).join(', ');

test.each([
  ['', false],
  ['1.1 proxy, 1.0 fred', false],
  [passed(7), false],
  [passed(8), true],
  [`1.1 other, ${passed(9)}`, true],
])('%s: %s', (via, looped) => expect(hasLooped(via)).toBe(looped));
