import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { startRedis } from '../support/redis.ts';
import { NO_REFILL, PATIENT, startLimited } from './setup.ts';
import { get, statuses, tally } from '../support/requests.ts';

const run = promisify(execFile);
const ENV = { WORKERS: '2', RATE_LIMIT_CAPACITY: '20', RATE_LIMIT_REFILL_RATE: NO_REFILL, ...PATIENT };

describe("the runbook's check", () => {
  test('100 requests by curl, counted by grep', async () => {
    await using redis = await startRedis();
    await using limited = await startLimited({ env: ENV, redis });
    const loop = `for i in {1..100}; do curl -s http://127.0.0.1:${limited.port}/proxy/ok; done | grep -c 429`;
    const { stdout } = await run('bash', ['-c', loop]);
    expect(stdout.trim()).toBe('80');
  });

  test('without Redis: the threads share one bucket', async () => {
    await using limited = await startLimited({ env: ENV });
    expect(await statuses(limited.port, 100)).toEqual([...Array(20).fill(200), ...Array(80).fill(429)]);
  });

  test('from the very first request after the start, and at once from many connections', async () => {
    await using redis = await startRedis();
    await using limited = await startLimited({ env: ENV, redis });
    const replies = await Promise.all(Array.from({ length: 100 }, () => get(limited.port)));
    expect(tally(replies.map(({ status }) => status))).toEqual({ 200: 20, 429: 80 });
  });

  test('the same with bodies, over routes that wait for the decision', async () => {
    await using redis = await startRedis();
    await using limited = await startLimited({ env: ENV, redis });
    const body = 'x'.repeat(200_000);
    const replies = await Promise.all(
      Array.from({ length: 30 }, () => get(limited.port, { path: '/proxy/echo', method: 'POST', body })),
    );
    expect(tally(replies.map(({ status }) => status))).toEqual({ 200: 20, 429: 10 });
    const passed = replies.filter(({ status }) => status === 200);
    for (const { body: echo } of passed) expect(JSON.parse(echo)).toMatchObject({ body: { bytes: 200_000 } });
  });
});
