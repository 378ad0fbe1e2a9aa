import { describe, expect, test } from 'vitest';
import { wallClockMs } from '../../../shared/clock.ts';
import type { RetriesConfig } from '../../../shared/config/retries/types.ts';
import type { ErrorCode } from '../../../shared/errors.ts';
import { isWhole, mayComeTwice, pauseMs, repeatReason, retryAfterMs } from './repeat-rule.ts';

const RETRIES: RetriesConfig = {
  attempts: 1,
  failures: ['connect_failure', 'reset'],
  statuses: [503],
  perTryMs: 0,
  anyMethod: false,
};
const request = (method: string, fields = '') => ({ method, fields, body: undefined });

test.each<[string, string, boolean]>([
  ['GET', '', true],
  ['PUT', '', true],
  ['DELETE', '', true],
  ['POST', '', false],
  ['PATCH', 'accept: */*\r\n', false],
  ['POST', 'accept: */*\r\nIdempotency-Key: 7\r\n', true],
  ['POST', 'idempotency-key:a\r\n', true],
  ['POST', 'idempotency-key: \r\nx: y\r\n', false],
  ['POST', 'x-idempotency-key: 7\r\n', false],
])('%s with %j may come twice: %s', (method, fields, may) => {
  expect(mayComeTwice(request(method, fields), RETRIES)).toBe(may);
  expect(mayComeTwice(request(method, fields), { ...RETRIES, anyMethod: true })).toBe(true);
});

test('a body is whole that has ended, is at hand and small', () => {
  const body = { ended: true, streamed: false, receivedBytes: 65_536 };
  expect(isWhole({ ...request('PUT'), body })).toBe(true);
  for (const other of [{ ended: false }, { streamed: true }, { receivedBytes: 65_537 }]) {
    expect(isWhole({ ...request('PUT'), body: { ...body, ...other } })).toBe(false);
  }
});

test.each<[ErrorCode, boolean, string | undefined]>([
  ['upstream_refused', true, 'connect_failure'],
  ['upstream_connect_timeout', true, 'connect_failure'],
  ['upstream_unresolved', true, undefined],
  ['overloaded', true, undefined],
  ['upstream_queue_full', true, undefined],
  ['too_many_in_flight', true, undefined],
  ['upstream_reset', false, 'reset'],
  ['upstream_bad_response', false, undefined],
  ['upstream_headers_timeout', false, undefined],
])('%s, unsent: %s: %s', (code, unsent, reason) => {
  expect(repeatReason(code, unsent, RETRIES)).toBe(reason);
  expect(repeatReason(code, unsent, { ...RETRIES, failures: [] })).toBe(undefined);
});

describe('Retry-After', () => {
  test.each<[string, number]>([
    ['', 0],
    ['date: x', 0],
    ['retry-after: 2', 2_000],
    ['a: b\r\nRetry-After:120\r\nc: d', 120_000],
    ['retry-after: soon', 0],
    ['retry-after: -1', 0],
    ['x-retry-after: 2', 0],
    ['retry-after: Thu, 01 Jan 1970 00:00:00 GMT', 0],
  ])('%j asks for %i ms', (fields, ms) => {
    expect(retryAfterMs(fields)).toBe(ms);
  });

  test('may be a date', () => {
    const at = new Date(wallClockMs() + 3_600_000).toUTCString();
    expect(retryAfterMs(`retry-after: ${at}`)).toBeGreaterThan(3_500_000);
  });
});

test('pauses are of ten lengths', () => {
  expect([0, 0.05, 0.15, 0.999_9].map(pauseMs)).toEqual([25, 25, 50, 250]);
});
