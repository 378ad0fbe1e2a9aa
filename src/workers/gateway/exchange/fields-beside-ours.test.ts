import { expect, test } from 'vitest';
import { fieldsBesideOurs } from './fields-beside-ours.ts';

const LEGACY = 'x-ratelimit-limit: 1\r\n';
const DRAFT = 'ratelimit-policy: "a"\r\nratelimit: "a"\r\n';
const THEIRS =
  'A: 1\r\nX-RateLimit-Limit: 2\r\nRateLimit: 3\r\nX-Rate-Limit-Used: 4\r\nRateLimit-Reset: 5\r\nRateLimiter: 6';

test.each([
  ['', THEIRS],
  ['retry-after: 1\r\n', THEIRS],
  [LEGACY, 'A: 1\r\nRateLimit: 3\r\nRateLimit-Reset: 5\r\nRateLimiter: 6'],
  [DRAFT, 'A: 1\r\nX-RateLimit-Limit: 2\r\nX-Rate-Limit-Used: 4\r\nRateLimiter: 6'],
  [DRAFT + LEGACY, 'A: 1\r\nRateLimiter: 6'],
])('beside %j stands %j', (ours, kept) => {
  expect(fieldsBesideOurs(THEIRS, ours)).toBe(kept);
});

test('nothing may be left', () => {
  expect(fieldsBesideOurs('RateLimit: 3', DRAFT)).toBe('');
});
