import { expect, test } from 'vitest';
import { FailureLog } from './failure-log.ts';

test('silence is told at once, then every ten seconds, and its end once', () => {
  const lines: [string, object][] = [];
  const log = new FailureLog({
    warn: (fields: object) => void lines.push(['warn', fields]),
    info: (fields: object) => void lines.push(['info', fields]),
  });
  const fail = (nowMs: number, passed = false): void => log.failed('z', { reason: 'upstream_refused', passed }, nowMs);
  const line = (requests: number, passed: number) => ({ upstream: 'z', requests, passed_unasked: passed });
  const silent = (requests: number, passed: number) => [
    'warn',
    { ...line(requests, passed), reason: 'upstream_refused' },
  ];

  log.answered('z');
  for (const ms of [0, 1, 9_999]) fail(ms);
  expect(lines).toEqual([silent(1, 0)]);
  fail(10_000);
  expect(lines.slice(1)).toEqual([silent(4, 0)]);
  // Somebody gets in unasked: that does not wait.
  fail(10_001, true);
  fail(10_002, true);
  expect(lines.slice(2)).toEqual([silent(5, 1)]);
  log.answered('y');
  log.answered('z');
  log.answered('z');
  expect(lines.slice(3)).toEqual([['info', line(6, 2)]]);
  fail(10_003);
  expect(lines.slice(4)).toEqual([silent(1, 0)]);
});
