import { expect, it } from 'vitest';
import { withoutRedis } from './dead-redis.ts';

it('counts what did not bring a 200 from the slice of the kill on', () => {
  const slice = (atMs: number, statuses: Record<string, number>, errors = 0) => ({
    atMs,
    statuses,
    errors,
    p99Us: 1,
    maxUs: atMs + 1,
  });
  const timeline = [slice(0, { '200': 10 }, 5), slice(100, { '200': 9, '500': 1 }), slice(200, { '500': 10 }, 2)];
  expect(withoutRedis(timeline, 150)).toEqual({ asked: 22, failed: 13, slowestUs: 201 });
  expect(withoutRedis([], 0)).toEqual({ asked: 0, failed: 0, slowestUs: 0 });
});
