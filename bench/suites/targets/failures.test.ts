import { expect, test } from 'vitest';
import type { TimeSlice } from '../../shared/load/plan.ts';
import { failuresIn, inWords } from './failures.ts';

const slice = (atMs: number, statuses: TimeSlice['statuses'], errors = 0): TimeSlice => ({
  atMs,
  statuses,
  errors,
  p99Us: 0,
  maxUs: 0,
});
const TIMELINE = [
  slice(0, { '200': 9, '502': 1 }),
  slice(100, { '200': 7, '503': 2 }, 1),
  slice(200, { '503': 3 }),
  slice(300, { '200': 9 }),
];

test('counts what is no 200, from a moment on and until one', () => {
  const after = failuresIn(TIMELINE, { fromMs: 100, sliceMs: 100 });
  expect(after).toEqual({ count: 6, kinds: { '503': 5, 'no answer': 1 }, lastMs: 200 });
  expect(inWords(after)).toBe('503: 5, no answer: 1');
  const before = failuresIn(TIMELINE, { untilMs: 100, sliceMs: 100 });
  expect(before).toEqual({ count: 1, kinds: { '502': 1 }, lastMs: 100 });
});

test('none', () => {
  const none = failuresIn(TIMELINE, { fromMs: 300, sliceMs: 100 });
  expect([none, inWords(none)]).toEqual([{ count: 0, kinds: {}, lastMs: 0 }, 'none']);
});
