import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { bucketKey, NO_REFILL, PATIENT, startLimited } from './setup.ts';
import type { Limited } from './setup.ts';
import { get, statuses } from '../support/requests.ts';

const rule = (name: string, capacity: number): string =>
  `{ name: ${name}, capacity: ${capacity}, refill_per_second: ${NO_REFILL} }`;
const route = (path: string, rest: string): string =>
  `  - { path: ${path}, upstream: demo, strip_prefix: true${rest} }\n`;

const ROUTES = [
  route('/two', `, limits: [${rule('burst', 3)}, ${rule('daily', 5)}]`),
  route('/daily', `, limits: [${rule('daily', 5)}]`),
  route('/dear', `, cost: 4, limits: [${rule('dear', 10)}]`),
  route('/never', `, limits: [${rule('never', 0)}]`),
  route('/unnamed', `, name: Big_One, limits: [{ capacity: 2, refill_per_second: ${NO_REFILL} }]`),
  route('/free', ''),
  route('/exempt', ', limits: []'),
].join('');

describe.each(['Redis', 'no Redis'])('rules of routes, %s', (where) => {
  let redis: TestRedis | undefined;
  let limited: Limited;
  beforeAll(async () => {
    if (where === 'Redis') redis = await startRedis();
    limited = await startLimited({
      redis,
      routes: ROUTES,
      env: { WORKERS: '2', RATE_LIMIT_KEY: 'header-plain:client', ...PATIENT },
    });
  });
  afterAll(async () => {
    await limited[Symbol.asyncDispose]();
    await redis?.[Symbol.asyncDispose]();
  });
  const ask = (path: string, client: string) => ({ path: `${path}/ok`, headers: { client } });
  const run = (path: string, client: string, count: number) => statuses(limited.port, count, ask(path, client));

  test('all must grant, and a refusal by one charges none', async () => {
    expect(await run('/two', 'x', 5)).toEqual([200, 200, 200, 429, 429]);
    // The route that shares `daily` has exactly what the other left.
    expect(await run('/daily', 'x', 3)).toEqual([200, 200, 429]);
  });

  test('the fields name the rule that binds', async () => {
    const first = await get(limited.port, ask('/two', 'y'));
    expect(first.headers['ratelimit-policy']).toBe('"burst";q=3;w=3000, "daily";q=5;w=5000');
    expect(first.headers['ratelimit']).toBe('"burst";r=2;t=1000');
    expect(await run('/daily', 'y', 3)).toEqual([200, 200, 200]);
    expect((await get(limited.port, ask('/two', 'y'))).headers['ratelimit']).toMatch(/^"daily";r=0;t=/);
    const refused = await get(limited.port, ask('/two', 'y'));
    expect([refused.status, refused.headers['x-ratelimit-limit']]).toEqual([429, '5']);
    expect(refused.headers['ratelimit']).toMatch(/^"daily";r=0;t=/);
  });

  test('cost', async () => {
    expect(await run('/dear', 'z', 3)).toEqual([200, 200, 429]);
    const refused = await get(limited.port, ask('/dear', 'z'));
    expect(refused.headers['x-ratelimit-remaining']).toBe('2');
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(1990);
    expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(2000);
  });

  test('capacity 0 refuses everything, and keeps nothing', async () => {
    expect(await run('/never', 'w', 3)).toEqual([429, 429, 429]);
    expect(await redis?.client.keys('*:w:never')).toEqual(redis === undefined ? undefined : []);
  });

  test("a lone limit's bucket has the route's name", async () => {
    expect(await run('/unnamed', 'v', 3)).toEqual([200, 200, 429]);
    expect(await redis?.client.keys('*:v:*')).toEqual(redis === undefined ? undefined : [bucketKey('v', 'big-one')]);
  });

  test.each(['/free', '/exempt'])('%s is not limited, and says nothing of limits', async (path) => {
    expect(await run(path, 'u', 20)).toEqual(Array(20).fill(200));
    const { headers } = await get(limited.port, ask(path, 'u'));
    expect(Object.keys(headers).filter((name) => name.includes('ratelimit'))).toEqual([]);
    expect(await redis?.client.keys('*:u*')).toEqual(redis === undefined ? undefined : []);
  });
});
