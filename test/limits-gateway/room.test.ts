import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { scrape } from '../metrics/scrape.ts';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { get } from '../support/requests.ts';
import { eventually } from '../support/wait.ts';
import { bucketKey, healthOf, NO_REFILL, PATIENT, startLimited, tokensOf, untilHealth } from './setup.ts';
import type { Limited } from './setup.ts';

const CAPACITY = 20;
const ENV = {
  ...PATIENT,
  RATE_LIMIT_MAX_CLIENTS: '1000',
  RATE_LIMIT_CAPACITY: String(CAPACITY),
  RATE_LIMIT_REFILL_RATE: NO_REFILL,
  RATE_LIMIT_KEY: 'header-plain:x-client,ip',
  TRUSTED_PROXIES: '127.0.0.1',
  WORKERS: '2',
} as const;

/** One request of a client at an address. @returns its status */
const ask = async ({ port }: Limited, client: string, address: string): Promise<number> =>
  (await get(port, { path: '/proxy/ok', headers: { 'x-client': client, 'x-forwarded-for': address } })).status;

const HONEST = Array.from({ length: 20 }, (_, i) => ({ client: `honest${i}`, address: `198.51.100.${i}` }));

let name = 0;
/** So many requests, each under a name of its own. @returns how many were served */
async function makeUp(limited: Limited, requests: number, address: (i: number) => string): Promise<number> {
  let served = 0;
  const one = async (from: number): Promise<void> => {
    for (let i = from; i < requests; i += 8) {
      if ((await ask(limited, `made-up${name++}`, address(i))) === 200) served++;
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, from) => one(from)));
  return served;
}

const askAll = (limited: Limited): Promise<number[]> =>
  Promise.all(HONEST.map(({ client, address }) => ask(limited, client, address)));

const byAddress = async ({ gateway }: Limited): Promise<number> =>
  (await scrape(gateway)).sum('limits_decided_by_address_total');

describe('more clients than RATE_LIMIT_MAX_CLIENTS', () => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis[Symbol.asyncDispose]());

  test('who makes up names gets one bucket for each address; who has a bucket keeps it; it is said once', async () => {
    await redis.client.flushall();
    // Keys of somebody else do not count.
    await redis.client.mset(Array.from({ length: 1_500 }, (_, i) => [`other${i}`, '1']).flat());
    await using limited = await startLimited({ redis, env: ENV });
    expect(new Set(await askAll(limited))).toEqual(new Set([200]));
    expect((await healthOf(limited.port)).status).toBe('ok');
    const many = redis.client.pipeline();
    for (let i = 0; i < 1_100; i++) many.hset(bucketKey(`made-up-before${i}`), { tokens: 1, updated_ms: Date.now() });
    await many.exec();
    await untilHealth(limited.port, 'degraded');
    expect((await healthOf(limited.port)).reasons).toEqual([expect.stringContaining('RATE_LIMIT_MAX_CLIENTS')]);

    expect(await makeUp(limited, 200, () => '203.0.113.9')).toBe(CAPACITY);
    expect(await makeUp(limited, 200, (i) => `2001:db8:0:7::${(i + 1).toString(16)}`)).toBe(CAPACITY);
    const buckets = await redis.client.keys(bucketKey('*'));
    expect(buckets).toHaveLength(HONEST.length + 1_100 + 2);
    expect(await tokensOf(redis.client, '2001:db8:0:7::/64')).toBeCloseTo(0, 0);
    expect(new Set(await askAll(limited))).toEqual(new Set([200]));
    for (const { client } of HONEST) expect(await tokensOf(redis.client, client)).toBeCloseTo(CAPACITY - 2, 0);
    // A newcomer at an address of its own is served all the same.
    expect(await ask(limited, 'newcomer', '192.0.2.77')).toBe(200);
    expect(await byAddress(limited)).toBeGreaterThanOrEqual(400);
    const said = limited.gateway.log.filter((line) => String(line['msg']).includes('RATE_LIMIT_MAX_CLIENTS'));
    expect(said).toHaveLength(1);

    await redis.client.del(...buckets);
    await untilHealth(limited.port, 'ok');
    await eventually(async () => (await makeUp(limited, 8, () => '203.0.113.9')) === 8, 'there is room again');
  });

  test('a Redis that may not be asked how many there are is no trouble', async () => {
    await using forbidden = await startRedis();
    const { client } = forbidden;
    await client.call('ACL', 'SETUSER', 'default', '-dbsize', '-scan', '-info');
    await using limited = await startLimited({ redis: forbidden, env: ENV });
    expect(await makeUp(limited, 1_200, () => '203.0.113.9')).toBe(1_200);
    expect((await healthOf(limited.port)).status).toBe('ok');
  });

  test('without a Redis: the same, where the memory of the process has no room', async () => {
    await using limited = await startLimited({ env: ENV });
    for (let i = 0; i < CAPACITY; i++) await askAll(limited);
    expect(new Set(await askAll(limited))).toEqual(new Set([429]));
    let served = 0;
    await eventually(async () => {
      served += await makeUp(limited, 800, () => '203.0.113.9');
      return (await healthOf(limited.port)).status === 'degraded' && served < name / 2;
    }, 'there is no room');
    // Room for 2,048 buckets; nobody's was given to another.
    expect(served).toBeLessThanOrEqual(2_048 - HONEST.length + CAPACITY);
    expect(new Set(await askAll(limited))).toEqual(new Set([429]));
    expect(await byAddress(limited)).toBeGreaterThan(0);
    const said = limited.gateway.log.filter((line) => String(line['msg']).includes('no room for more buckets'));
    expect(said).toHaveLength(1);
  });
});
