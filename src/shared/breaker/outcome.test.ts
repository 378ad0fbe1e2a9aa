import { expect, test } from 'vitest';
import { ERROR_CODES } from '../errors.ts';
import { DEFAULT_OUTCOME_RULE, OUTCOME, outcomeOfError, outcomeOfStatus } from './outcome.ts';

test('of the answers of an upstream only 500, 502, 503 and 504 count against it', () => {
  const bad = Array.from({ length: 500 }, (_, i) => i + 100).filter(
    (status) => outcomeOfStatus(DEFAULT_OUTCOME_RULE, status, 0) === OUTCOME.FAILURE,
  );
  expect(bad).toEqual([500, 502, 503, 504]);
});

test('of our own errors exactly those that are the upstream’s doing count; the rest say nothing', () => {
  const bad = ERROR_CODES.filter((code) => outcomeOfError(DEFAULT_OUTCOME_RULE, code) === OUTCOME.FAILURE);
  const ours = ['upstream_queue_full', 'upstream_overloaded', 'upstream_unresolved', 'upstream_header_too_large'];
  expect(bad).toEqual(ERROR_CODES.filter((code) => code.startsWith('upstream_') && !ours.includes(code)));
});

test('a slow good answer is slow only where a limit is set', () => {
  expect(outcomeOfStatus(DEFAULT_OUTCOME_RULE, 200, 1e9)).toBe(OUTCOME.SUCCESS);
  const rule = { ...DEFAULT_OUTCOME_RULE, slowMs: 100 };
  expect([100, 101].map((tookMs) => outcomeOfStatus(rule, 200, tookMs))).toEqual([OUTCOME.SUCCESS, OUTCOME.SLOW]);
  expect(outcomeOfStatus(rule, 500, 101)).toBe(OUTCOME.FAILURE);
});
