import { expect, test } from 'vitest';
import { isFromTerminal, StopSignals } from './stop-signals.ts';

test('the first drains, its duplicate is ignored, a later one forces', () => {
  const signals = new StopSignals();
  expect([1_000, 1_003, 1_249, 1_250, 9_000].map((at) => signals.next(at))).toEqual([
    'drain',
    'ignore',
    'ignore',
    'force',
    'force',
  ]);
});

test.each([
  ['SIGINT', true, true],
  ['SIGINT', false, false],
  ['SIGTERM', true, false],
] as const)('%s with a terminal (%s) is a person at it: %s', (signal, isTTY, expected) => {
  expect(isFromTerminal(signal, [{}, { isTTY }])).toBe(expected);
});
