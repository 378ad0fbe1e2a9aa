import { describe, expect, it } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { freePort } from '../support/ports.ts';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { statuses } from '../support/requests.ts';
import { quietFor, stopwatch } from '../support/wait.ts';

/** Of served time; the deadline of a drain is 30 s. */
const SOON_MS = 6_000;

const start = (port: number, env: Readonly<Record<string, string>> = {}): Promise<Gateway> =>
  startGateway({ env: { REDIS_URL: `redis://127.0.0.1:${port}`, WORKERS: '2', ...env } });

async function stopped(gateway: Gateway): Promise<{ code: unknown; ms: number }> {
  using watch = stopwatch();
  return { code: await gateway.stop('SIGTERM'), ms: watch.ms() };
}

const faults: readonly (readonly [string, (redis: TestRedis) => void])[] = [
  ['dead', (redis) => redis.kill('SIGKILL')],
  ['hanging', (redis) => redis.kill('SIGSTOP')],
];

describe.each(faults)('a gateway whose Redis is %s', (_, spoil) => {
  it.each([
    ['at once', 0],
    ['after seconds', 3_000],
  ])('ends soon when it is told to %s, with jobs of the cluster and limits that are owed', async (_name, afterMs) => {
    await using redis = await startRedis();
    await using gateway = await start(redis.port, { HEALTH_PATH: '/health', HEALTH_INTERVAL_SECONDS: '1' });
    await gateway.waitForLog((line) => line['msg'] === 'job done');
    spoil(redis);
    await statuses(gateway.port, 20);
    await quietFor(afterMs, 'what waits for Redis has found out');
    const { code, ms } = await stopped(gateway);
    redis.kill('SIGCONT');
    expect(code).toBe(0);
    expect(ms).toBeLessThan(SOON_MS);
  });
});

it('a gateway that never saw its Redis ends soon', async () => {
  await using gateway = await start(await freePort(), { HEALTH_PATH: '/health', HEALTH_INTERVAL_SECONDS: '1' });
  await statuses(gateway.port, 20);
  const { code, ms } = await stopped(gateway);
  expect(code).toBe(0);
  expect(ms).toBeLessThan(SOON_MS);
});
