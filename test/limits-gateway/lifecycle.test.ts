import { Agent, request } from 'node:http';
import { expect, test } from 'vitest';
import { startRedis } from '../support/redis.ts';
import { counts } from '../lifecycle/load.ts';
import { rawClient } from '../support/raw.ts';
import { eventually, stopwatch } from '../support/wait.ts';
import { healthOf, NO_REFILL, PATIENT, startLimited } from './setup.ts';
import { get, statuses } from '../support/requests.ts';
import { startSteadyLoad } from './steady-load.ts';

const LIMIT = { RATE_LIMIT_CAPACITY: '10', RATE_LIMIT_REFILL_RATE: NO_REFILL, ...PATIENT };

test('a drain under load with Redis: no exchange is lost', async () => {
  await using redis = await startRedis();
  const env = { ...LIMIT, RATE_LIMIT_CAPACITY: '100000', RATE_LIMIT_LEASE: '50', WORKERS: '2', NODE_NAME: 'leaving' };
  await using limited = await startLimited({ redis, env });
  const load = startSteadyLoad({ ports: [limited.port], clients: 4 });
  await load.during(400);
  const drained = limited.gateway.stop('SIGTERM');
  await limited.gateway.waitForLog((line) => line['msg'] === 'gateway draining');
  expect(await drained).toBe(0);
  await load.stop();
  const answered = load.samples.filter(({ status }) => status !== 0);
  expect(answered.filter(({ status }) => status !== 200)).toEqual([]);
  const tokens = Number(await redis.client.hget('api-gateway:rate-limit:127.0.0.1', 'tokens'));
  // What was taken ahead is back: exactly what was answered is gone.
  expect(Math.round(100_000 - tokens)).toBe(answered.length);
  expect(await redis.client.keys('api-gateway:node*')).toEqual([]);
});

test('a drain while Redis hangs ends all the same', async () => {
  await using redis = await startRedis();
  await using limited = await startLimited({ redis, env: { ...LIMIT, RATE_LIMIT_TIMEOUT_MILLISECONDS: '10' } });
  expect(await statuses(limited.port, 1)).toEqual([200]);
  redis.kill('SIGSTOP');
  try {
    expect(await statuses(limited.port, 5)).toEqual(Array(5).fill(200));
    using watch = stopwatch();
    expect(await limited.gateway.stop('SIGTERM')).toBe(0);
    expect(watch.ms()).toBeLessThan(8_000);
  } finally {
    redis.kill('SIGCONT');
  }
});

test('clients that leave while their limit is decided', async () => {
  await using redis = await startRedis();
  await using limited = await startLimited({ redis, env: { ...LIMIT, RATE_LIMIT_TIMEOUT_MILLISECONDS: '2000' } });
  expect(await statuses(limited.port, 1)).toEqual([200]);
  redis.kill('SIGSTOP');
  try {
    for (let i = 0; i < 5; i++) {
      using client = await rawClient(limited.port);
      client.send('POST /proxy/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\nhalf');
      await eventually(async () => (await counts(limited.gateway.adminPort)).inFlight > 0, 'it is in flight');
    }
    await eventually(async () => (await counts(limited.gateway.adminPort)).inFlight === 0, 'all are gone');
  } finally {
    redis.kill('SIGCONT');
  }
  expect((await get(limited.port)).status).toBe(200);
  expect(limited.gateway.log.filter(({ msg }) => String(msg).includes('failed'))).toEqual([]);
});

test('a connection goes on after an upload that was refused', async () => {
  await using redis = await startRedis();
  await using limited = await startLimited({ redis, env: { ...LIMIT, RATE_LIMIT_CAPACITY: '1' } });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const seen: (readonly [number, boolean])[] = [];
  for (let i = 0; i < 4; i++) {
    seen.push(
      await new Promise((resolve, reject) => {
        const headers = { 'content-length': '300000' };
        const req = request(
          { host: '127.0.0.1', port: limited.port, path: '/proxy/echo', method: 'POST', agent, headers },
          (res) => res.resume().on('end', () => resolve([res.statusCode ?? 0, req.reusedSocket])),
        );
        req.on('error', reject);
        req.end(Buffer.alloc(300_000));
      }),
    );
  }
  agent.destroy();
  expect(seen).toEqual([
    [200, false],
    [429, true],
    [429, true],
    [429, true],
  ]);
});

test('without Redis a bucket outlives the thread that asked for it', async () => {
  await using limited = await startLimited({ env: { ...LIMIT, GATEWAY_TEST_FAULTS: 'on' } });
  expect(await statuses(limited.port, 6)).toEqual(Array(6).fill(200));
  await get(limited.port, { headers: { 'x-gateway-test-fault': 'throw-later' } }).catch(() => undefined);
  await eventually(
    () => limited.gateway.log.filter(({ msg }) => msg === 'request thread serves').length === 2,
    'another thread serves',
  );
  await limited.gateway.waitForLog(({ msg }) => msg === 'request thread ended');
  const seen = await statuses(limited.port, 8);
  expect(seen.filter((status) => status === 200).length).toBeLessThanOrEqual(4);
  expect(seen.filter((status) => status === 200).length).toBeGreaterThanOrEqual(3);
});

test.each(['standalone', 'sentinel', 'cluster'])(
  '%s: nobody there from the start is said once, and served',
  async (mode) => {
    const env = { ...LIMIT, REDIS_MODE: mode, REDIS_URL: 'redis://127.0.0.1:1' };
    await using limited = await startLimited({ env });
    expect(await statuses(limited.port, 12)).toEqual([...Array(10).fill(200), 429, 429]);
    const said = ({ msg }: Readonly<Record<string, unknown>>) =>
      String(msg).startsWith('rate limits: Redis is not asked');
    await limited.gateway.waitForLog(said, 5_000);
    const health = await healthOf(limited.port);
    expect([health.status, health.reasons?.join()]).toEqual([
      'degraded',
      expect.stringContaining('rate limits: Redis'),
    ]);
    expect(limited.gateway.log.filter(said)).toHaveLength(1);
  },
);
