import { expect, test } from 'vitest';
import { startRedis } from '../support/redis.ts';
import { startLimited } from './setup.ts';
import { percentileMs, startSteadyLoad } from './steady-load.ts';
import { until } from '../support/wait.ts';

const CAPACITY = 100;
/** Much less than even a busy machine's clients ask for. */
const RATE = 20;
const HAMMER_MS = 3_000;

test('two nodes of two threads, one client: all of its limit and no request more', async () => {
  await using redis = await startRedis();
  const env = {
    WORKERS: '2',
    RATE_LIMIT_CAPACITY: String(CAPACITY),
    RATE_LIMIT_REFILL_RATE: String(RATE),
    RATE_LIMIT_TIMEOUT_MILLISECONDS: '5000',
  };
  await using one = await startLimited({ redis, env });
  await using two = await startLimited({ redis, env });
  const load = startSteadyLoad({ ports: [one.port, two.port], clients: 12, paceMs: 1 });
  const { samples } = load;
  const grantedOf = (): number => samples.filter(({ status }) => status === 200).length;
  await load.during(HAMMER_MS);
  await until(() => samples.length > 1.5 * grantedOf());
  await load.stop();
  const granted = grantedOf();
  expect(samples.filter(({ status }) => status !== 200 && status !== 429)).toEqual([]);
  const sent = samples.map(({ sentMs }) => sentMs);
  const ends = samples.map(({ endMs }) => endMs);
  const outerSeconds = (Math.max(...ends) - Math.min(...sent)) / 1000;
  const innerSeconds = (Math.max(...sent) - Math.min(...ends)) / 1000;
  expect(granted).toBeLessThanOrEqual(CAPACITY + RATE * outerSeconds);
  // A refusal is remembered until the token it lacks is there, and a thread's timers grain by a millisecond or two. What
  // came while the slowest request was under way nobody may have asked for.
  const slowestSeconds = percentileMs(samples, 100) / 1000;
  expect(granted).toBeGreaterThanOrEqual(0.99 * (CAPACITY + RATE * innerSeconds) - 1 - RATE * slowestSeconds);
  for (const { gateway } of [one, two]) {
    expect(gateway.log.filter((line) => String(line['msg']).includes('is not asked'))).toEqual([]);
  }
});
