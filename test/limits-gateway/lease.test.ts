import { Agent, request } from 'node:http';
import { expect, test } from 'vitest';
import { startRedis } from '../support/redis.ts';
import { NO_REFILL, PATIENT, startLimited, tokensOf } from './setup.ts';
import { statuses, tally } from '../support/requests.ts';
import { eventually } from '../support/wait.ts';

const LEASE = 20;
const ENV = {
  RATE_LIMIT_CAPACITY: '100',
  RATE_LIMIT_REFILL_RATE: NO_REFILL,
  RATE_LIMIT_LEASE: String(LEASE),
  ...PATIENT,
};

/** So many requests one after the other on one connection: a client that is hot. */
async function hot(port: number, count: number): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const seen: number[] = [];
  for (let i = 0; i < count; i++) {
    seen.push(
      await new Promise<number>((resolve, reject) => {
        request({ host: '127.0.0.1', port, path: '/proxy/ok', agent }, (res) => {
          res.resume().on('end', () => resolve(res.statusCode ?? 0));
        })
          .on('error', reject)
          .end();
      }),
    );
  }
  agent.destroy();
  return seen;
}

test('RATE_LIMIT_LEASE: few questions to Redis, and what was not used is back after the drain', async () => {
  await using redis = await startRedis();
  await using limited = await startLimited({ redis, env: ENV });
  using monitor = await redis.monitor();
  expect(tally(await hot(limited.port, 50))).toEqual({ 200: 50 });
  // Stopped at once: the thread still holds what it took ahead.
  expect(await limited.gateway.stop('SIGTERM')).toBe(0);
  expect(Math.floor(await tokensOf(redis.client, '127.0.0.1'))).toBe(50);
  const asked = (await monitor.lines()).filter(
    (line) => !line.includes(' lua]') && line.includes('"api-gateway:rate-limit:127.0.0.1"'),
  ).length;
  expect(asked).toBeLessThan(25);
  expect(asked).toBeGreaterThan(1);
});

test('RATE_LIMIT_LEASE: two threads never grant more than the bucket has', async () => {
  await using redis = await startRedis();
  await using limited = await startLimited({ redis, env: { ...ENV, WORKERS: '2' } });
  const seen = (await Promise.all([1, 2, 3, 4].map(() => hot(limited.port, 40)))).flat();
  const granted = tally(seen)[200] ?? 0;
  expect(granted).toBeLessThanOrEqual(100);
  // What one thread holds unused another cannot have, until it is given back.
  expect(granted).toBeGreaterThanOrEqual(100 - 2 * LEASE);
  let later = 0;
  await eventually(async () => {
    later += (await statuses(limited.port, 1)).filter((status) => status === 200).length;
    return granted + later >= 100;
  }, 'what was held is given back');
  expect(granted + later).toBe(100);
  expect(await statuses(limited.port, 3)).toEqual([429, 429, 429]);
});
