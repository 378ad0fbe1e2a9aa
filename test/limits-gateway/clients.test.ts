import { createHash } from 'node:crypto';
import { afterAll, beforeEach, beforeAll, describe, expect, test } from 'vitest';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { NO_REFILL, PATIENT, startLimited } from './setup.ts';
import { get, statuses } from '../support/requests.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
beforeEach(() => redis.client.flushall());
afterAll(() => redis[Symbol.asyncDispose]());

const env = (more: Readonly<Record<string, string>>) => ({
  RATE_LIMIT_CAPACITY: '2',
  RATE_LIMIT_REFILL_RATE: NO_REFILL,
  ...PATIENT,
  ...more,
});

const PREFIX = 'api-gateway:rate-limit:';
const clients = async (): Promise<string[]> =>
  (await redis.client.keys(`${PREFIX}*`)).map((key) => key.slice(PREFIX.length)).sort();

describe('who is the client', () => {
  test('ip: the address of the connection, whatever X-Forwarded-For claims', async () => {
    await using limited = await startLimited({ redis, env: env({}) });
    const seen = [];
    for (let i = 1; i <= 3; i++) {
      seen.push((await get(limited.port, { headers: { 'x-forwarded-for': `10.0.0.${i}` } })).status);
    }
    expect(seen).toEqual([200, 200, 429]);
    expect(await clients()).toEqual(['127.0.0.1']);
  });

  test('ip: behind a trusted proxy the real client; IPv6 by its network, IPv4-mapped as IPv4', async () => {
    await using limited = await startLimited({ redis, env: env({ TRUSTED_PROXIES: '127.0.0.1,10.0.0.0/8' }) });
    const from = (address: string) => statuses(limited.port, 1, { headers: { 'x-forwarded-for': address } });
    for (const address of ['1.2.3.4', '::ffff:1.2.3.4']) expect(await from(address)).toEqual([200]);
    expect(await from('6.6.6.6, 1.2.3.4, 10.1.1.1')).toEqual([429]);
    for (const address of ['2001:db8:0:1::a', '2001:db8:0:1:ffff::b']) expect(await from(address)).toEqual([200]);
    expect(await from('2001:db8:0:1::c')).toEqual([429]);
    expect(await from('2001:db8:0:2::c')).toEqual([200]);
    expect(await from('not an address\t*')).toEqual([200]);
    expect(await clients()).toEqual(['1.2.3.4', '127.0.0.1', '2001:db8:0:1::/64', '2001:db8:0:2::/64']);
  });

  test('ip: an IPv4 client of a port that listens on IPv6 too', async () => {
    await using limited = await startLimited({ redis, env: env({ HOST: '::' }) });
    expect(await statuses(limited.port, 3)).toEqual([200, 200, 429]);
    expect(await clients()).toEqual(['127.0.0.1']);
  });

  test('RATE_LIMIT_IPV6_PREFIX', async () => {
    const more = { TRUSTED_PROXIES: '127.0.0.1', RATE_LIMIT_IPV6_PREFIX: '128' };
    await using limited = await startLimited({ redis, env: env(more) });
    for (const last of ['a', 'b']) {
      await get(limited.port, { headers: { 'x-forwarded-for': `2001:db8::${last}` } });
    }
    expect(await clients()).toEqual(['2001:db8::a/128', '2001:db8::b/128']);
  });

  test('header: nothing of an API key is ever sent to Redis, only its hash', async () => {
    await using limited = await startLimited({ redis, env: env({ RATE_LIMIT_KEY: 'header:X-API-Key,ip' }) });
    using monitor = await redis.monitor();
    const secret = 'sk-live-0123456789';
    expect(await statuses(limited.port, 3, { headers: { 'x-api-key': secret } })).toEqual([200, 200, 429]);
    expect(await statuses(limited.port, 1, { headers: { 'x-api-key': 'another' } })).toEqual([200]);
    expect(await statuses(limited.port, 3)).toEqual([200, 200, 429]);
    const said = await monitor.lines();
    const hash = (key: string) => createHash('sha256').update(key).digest('hex').slice(0, 32);
    expect(await clients()).toEqual(['127.0.0.1', hash(secret), hash('another')].sort());
    expect(said.filter((line) => line.includes(hash(secret))).length).toBeGreaterThan(0);
    expect(said.filter((line) => line.includes('sk-live') || line.includes('another'))).toEqual([]);
    expect(limited.gateway.log.filter((line) => JSON.stringify(line).includes('sk-live'))).toEqual([]);
  });

  test('header-plain: the value itself, but never an odd key; the first one present counts', async () => {
    const key = 'header-plain:x-device,header-plain:x-other';
    await using limited = await startLimited({ redis, env: env({ RATE_LIMIT_KEY: key }) });
    const odd = ['dev-1', '1.2.3.4', 'a:daily', 'x{y}z *\u00e9'];
    for (const value of odd) {
      const headers = { 'x-device': Buffer.from(value).toString('latin1') };
      expect(await statuses(limited.port, 1, { headers })).toEqual([200]);
    }
    expect(await statuses(limited.port, 1, { headers: { 'x-device': 'L'.repeat(3000) } })).toEqual([200]);
    expect(await statuses(limited.port, 1, { headers: { 'x-other': 'second', 'x-device': '' } })).toEqual([200]);
    expect(await statuses(limited.port, 1)).toEqual([200]);
    const names = await clients();
    expect(names).toEqual(expect.arrayContaining(['dev-1', '%31.2.3.4', 'a%3Adaily', 'second', '127.0.0.1']));
    expect(names).toHaveLength(7);
    for (const name of names) expect(name).toMatch(/^[A-Za-z0-9\-._~@%]{1,80}$/);
  });
});
