import { expect, test } from 'vitest';
import { Twins } from './twins.ts';

const says = (instance: string): string => JSON.stringify({ name: 'a', instance });

test('another process that goes on using the name is one; what one before has left is none', () => {
  const twins = new Twins('own', 5_000);
  expect(twins.found(says('before'), 0)).toBe(0);
  expect(twins.found(says('own'), 1_000)).toBe(0);
  expect(twins.found('', 2_000)).toBe(0);
  expect(twins.found(says('other'), 3_000)).toBe(1);
  expect(twins.found(says('third'), 4_000)).toBe(2);
  expect(twins.found(says('own'), 8_500)).toBe(1);
  expect(twins.found(says('own'), 9_500)).toBe(0);
});

test('what is none of a gateway is none, and there are never more than can be told apart', () => {
  const twins = new Twins('own', 5_000);
  for (const text of ['', 'x', '[]', '{"instance":7}', `{"instance":"${'x'.repeat(65)}"}`]) {
    expect(twins.found(text, 0)).toBe(0);
  }
  for (let i = 0; i < 100; i++) expect(twins.found(says(`forged ${i}`), 0)).toBeLessThanOrEqual(16);
});
