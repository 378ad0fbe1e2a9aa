import { expect, test } from 'vitest';
import { breakerChange } from '../../../shared/admin/breakers.ts';
import { clientLimitsChange } from '../../../shared/admin/limits.ts';
import { logLevel } from '../../../shared/admin/operations.ts';
import { check } from './input-problems.ts';

const problemsOf = (schema: Parameters<typeof check>[0], value: unknown): unknown => {
  const checked = check(schema, value);
  return checked.ok ? 'ok' : checked.problems;
};

test('what fits is passed on', () => {
  expect(check(breakerChange, { state: 'OPEN', for: 5 })).toEqual({ ok: true, value: { state: 'OPEN', for: 5 } });
  expect(check(clientLimitsChange, { tokens: 0 })).toEqual({ ok: true, value: { tokens: 0 } });
});

test('all that is wrong is told at once', () => {
  expect(problemsOf(breakerChange, { state: 'SHUT', for: 'long', until: 1, why: '' })).toEqual([
    { path: 'state', expected: 'OPEN, CLOSED or AUTO', got: '"SHUT"' },
    { path: 'for', expected: 'a whole number of seconds', got: '"long"' },
    { path: 'until', expected: 'no such member', got: 'an unknown member' },
    { path: 'why', expected: 'no such member', got: 'an unknown member' },
  ]);
});

test.each([
  [undefined, 'nothing'],
  [[], 'an empty list'],
  ['x', '"x"'],
  [null, 'null'],
])('%j is no object', (value, got) => {
  expect(problemsOf(logLevel, value)).toEqual([{ path: '', expected: 'a JSON object', got }]);
});

test('numbers out of range', () => {
  expect(problemsOf(breakerChange, { state: 'OPEN', for: 0 })).toEqual([
    { path: 'for', expected: 'at least 1 second', got: '0' },
  ]);
  expect(problemsOf(breakerChange, { state: 'OPEN', for: 1.5 })).toEqual([
    { path: 'for', expected: 'a whole number of seconds', got: '1.5' },
  ]);
});

test('of alternatives the one that was meant', () => {
  expect(problemsOf(clientLimitsChange, { tokens: -1 })).toEqual([
    { path: 'tokens', expected: 'at least 0', got: '-1' },
  ]);
  expect(problemsOf(clientLimitsChange, { state: 'BAN', for: 10 })).toEqual([
    { path: 'state', expected: 'BANNED, EXEMPT or AUTO', got: '"BAN"' },
  ]);
  expect(problemsOf(clientLimitsChange, {})).toEqual([
    { path: '', expected: 'tokens: a number; or state: BANNED, EXEMPT or AUTO', got: 'a mapping' },
  ]);
});
