import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { bucketKey, NO_REFILL, PATIENT, startLimited } from './setup.ts';
import { get, statuses } from '../support/requests.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis[Symbol.asyncDispose]());

const LIMIT = { RATE_LIMIT_CAPACITY: '1', RATE_LIMIT_REFILL_RATE: NO_REFILL, ...PATIENT };

describe('RATE_LIMIT_ALLOWLIST', () => {
  test('addresses behind a trusted proxy: never limited, never asked about', async () => {
    const env = { ...LIMIT, TRUSTED_PROXIES: '127.0.0.1', RATE_LIMIT_ALLOWLIST: '10.1.0.0/16, 2001:db8::/32' };
    await using limited = await startLimited({ redis, env });
    for (const address of ['10.1.2.3', '2001:db8:5::1']) {
      const ask = { headers: { 'x-forwarded-for': address } };
      expect(await statuses(limited.port, 5, ask)).toEqual(Array(5).fill(200));
      expect((await get(limited.port, ask)).headers['ratelimit']).toBeUndefined();
    }
    expect(await redis.client.keys('api-gateway:rate-limit:*')).toEqual([]);
    expect(await statuses(limited.port, 2, { headers: { 'x-forwarded-for': '10.2.0.1' } })).toEqual([200, 429]);
    // An address in front of one that is not trusted is only a claim.
    const claimed = { headers: { 'x-forwarded-for': '10.1.2.3, 9.9.9.9' } };
    expect(await statuses(limited.port, 2, claimed)).toEqual([200, 429]);
  });

  test.each(['header', 'header-plain'])('keys, with RATE_LIMIT_KEY=%s', async (kind) => {
    const env = { ...LIMIT, RATE_LIMIT_KEY: `${kind}:x-api-key`, RATE_LIMIT_ALLOWLIST: 'partner-key' };
    await using limited = await startLimited({ redis, env });
    expect(await statuses(limited.port, 4, { headers: { 'x-api-key': 'partner-key' } })).toEqual(Array(4).fill(200));
    const other = { headers: { 'x-api-key': `somebody-${kind}` } };
    expect(await statuses(limited.port, 2, other)).toEqual([200, 429]);
  });
});

describe('RATE_LIMIT_SHADOW', () => {
  test('decides, charges and logs, but lets pass and tells nobody to wait', async () => {
    await redis.client.flushall();
    await using limited = await startLimited({ redis, env: { ...LIMIT, RATE_LIMIT_SHADOW: 'on' } });
    expect(await statuses(limited.port, 6)).toEqual(Array(6).fill(200));
    const { headers } = await get(limited.port);
    expect(headers['retry-after']).toBeUndefined();
    expect(headers['x-ratelimit-remaining']).toBe('0');
    expect(Math.floor(Number(await redis.client.hget(bucketKey('127.0.0.1'), 'tokens')))).toBe(0);
    await limited.gateway.waitForLog((line) => String(line['msg']).includes('shadow'));
    await limited.gateway.stop();
    const lines = limited.gateway.log.filter((line) => String(line['msg']).includes('shadow'));
    const counted = lines.flatMap((line) => Object.values(line['routes'] as Record<string, number>));
    expect(counted.reduce((sum, count) => sum + count, 0)).toBe(6);
    expect(lines.length).toBeLessThanOrEqual(3);
  });

  test('one route in shadow, the other not; closed in shadow lets pass too', async () => {
    const limits = `limits: [{ name: one, capacity: 1, refill_per_second: ${NO_REFILL} }]`;
    const routes = [
      `  - { path: /tried, upstream: demo, strip_prefix: true, shadow: true, on_store_failure: closed, ${limits} }`,
      `  - { path: /meant, upstream: demo, strip_prefix: true, ${limits} }\n`,
    ].join('\n');
    await using own = await startRedis();
    await using limited = await startLimited({ redis: own, routes, env: PATIENT });
    expect(await statuses(limited.port, 3, { path: '/tried/ok' })).toEqual([200, 200, 200]);
    expect(await statuses(limited.port, 1, { path: '/meant/ok' })).toEqual([429]);
    own.kill('SIGKILL');
    await limited.gateway.waitForLog((line) => String(line['msg']).startsWith('rate limits: Redis is not asked'));
    const passed = await get(limited.port, { path: '/tried/ok' });
    expect([passed.status, passed.headers['retry-after']]).toEqual([200, undefined]);
  });
});
