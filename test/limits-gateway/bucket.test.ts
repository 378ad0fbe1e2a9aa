import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { eventually } from '../support/wait.ts';
import { bucketKey, NO_REFILL, PATIENT, startLimited, tokensOf } from './setup.ts';
import { get, statuses, tally } from '../support/requests.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis[Symbol.asyncDispose]());

const ENV = { WORKERS: '2', RATE_LIMIT_KEY: 'header-plain:client', ...PATIENT };
const of = (client: string) => ({ headers: { client } });

describe('the bucket in Redis', () => {
  test('HGETALL reads like what it is, and it does not live for ever', async () => {
    const env = { ...ENV, RATE_LIMIT_CAPACITY: '50', RATE_LIMIT_REFILL_RATE: '0.1' };
    await using limited = await startLimited({ redis, env });
    const startedMs = Date.now();
    await statuses(limited.port, 3, of('reader'));
    const bucket = await redis.client.hgetall(bucketKey('reader'));
    expect(Object.keys(bucket).sort()).toEqual(['capacity', 'rate', 'tokens', 'updated_ms']);
    expect(bucket).toMatchObject({ capacity: '50', rate: '0.1' });
    expect(Number(bucket['tokens'])).toBeGreaterThanOrEqual(47);
    expect(Number(bucket['tokens'])).toBeLessThan(47.9);
    expect(Number(bucket['updated_ms'])).toBeGreaterThanOrEqual(startedMs - 1);
    expect(Number(bucket['updated_ms'])).toBeLessThanOrEqual(Date.now() + 1);
    const ttl = await redis.client.pttl(bucketKey('reader'));
    expect(ttl).toBeGreaterThanOrEqual(500_000);
    expect(ttl).toBeLessThan(1_100_000);
  });

  test('a refused request changes nothing in it', async () => {
    const env = { ...ENV, RATE_LIMIT_CAPACITY: '1', RATE_LIMIT_REFILL_RATE: NO_REFILL };
    await using limited = await startLimited({ redis, env });
    await get(limited.port, of('refused'));
    const before = await redis.client.hgetall(bucketKey('refused'));
    expect(await statuses(limited.port, 5, of('refused'))).toEqual(Array(5).fill(429));
    expect(await redis.client.hgetall(bucketKey('refused'))).toEqual(before);
  });

  test('DEL frees the client within a second, on every thread', async () => {
    const env = { ...ENV, RATE_LIMIT_CAPACITY: '3', RATE_LIMIT_REFILL_RATE: NO_REFILL };
    await using limited = await startLimited({ redis, env });
    await statuses(limited.port, 10, of('freed'));
    await redis.client.del(bucketKey('freed'));
    let passed = 0;
    const isFree = async () => {
      if ((await get(limited.port, of('freed'))).status === 200) passed++;
      return passed === 3;
    };
    await eventually(isFree, 'three requests pass', 1_300);
    expect((await get(limited.port, of('freed'))).status).toBe(429);
  });
});

describe('a reload acts on the live bucket', () => {
  const routes = (capacity: number): string =>
    `  - { path: /proxy, upstream: demo, strip_prefix: true, limits: [{ name: api, capacity: ${capacity}, refill_per_second: ${NO_REFILL} }] }\n`;

  test.each(['Redis', 'no Redis'])('%s', async (where) => {
    const store = where === 'Redis' ? redis : undefined;
    await using limited = await startLimited({ redis: store, env: ENV, routes: routes(5) });
    const ask = of(`reload-${where === 'Redis' ? 'r' : 'm'}`);
    expect(tally(await statuses(limited.port, 8, ask))).toEqual({ 200: 5, 429: 3 });
    await limited.reload(routes(8));
    // Raised by three: three more at once, also on a thread that remembers a refusal.
    expect(await statuses(limited.port, 5, ask)).toEqual([200, 200, 200, 429, 429]);
    const fresh = of(`${ask.headers.client}-2`);
    expect(await statuses(limited.port, 2, fresh)).toEqual([200, 200]);
    await limited.reload(routes(4));
    // Six were left; no more than four may be now.
    expect(await statuses(limited.port, 6, fresh)).toEqual([200, 200, 200, 200, 429, 429]);
    const level = store === undefined ? 0 : await tokensOf(redis.client, fresh.headers.client, 'api');
    expect(Math.floor(level)).toBe(0);
    await limited.reload(routes(0));
    expect(await statuses(limited.port, 2, of('whoever'))).toEqual([429, 429]);
  });
});
