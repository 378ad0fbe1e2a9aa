import { expect, test } from 'vitest';
import { hashedClient } from '../../src/shared/limits/client-key.ts';
import { startRedis } from '../support/redis.ts';
import { bucketKey, NO_REFILL, PATIENT, startLimited, tokensOf, untilHealth } from '../limits-gateway/setup.ts';
import { get, statuses, tally } from '../support/requests.ts';
import { startCluster } from '../support/redis-cluster.ts';
import { eventually } from '../support/wait.ts';
import { limitCalls } from './limits-calls.ts';

const env = {
  RATE_LIMIT_CAPACITY: '10',
  RATE_LIMIT_REFILL_RATE: NO_REFILL,
  RATE_LIMIT_KEY: 'header-plain:client',
  ...PATIENT,
} as const;
const as = (client: string) => ({ headers: { client } });

const ROUTES = `
  - { path: /a, name: a, strip_prefix: true, upstream: demo, limits: [{ name: burst, capacity: 5, refill_per_second: 0.001 }, { name: total, capacity: 20, refill_per_second: 0.001 }] }
  - { path: /b, name: b, strip_prefix: true, upstream: demo, cost: 3, limits: [{ name: total, capacity: 20, refill_per_second: 0.001 }] }
  - { path: /free, name: free, strip_prefix: true, upstream: demo, limits: [] }
  - { path: /watched, name: watched, strip_prefix: true, upstream: demo, shadow: true, limits: [{ name: burst, capacity: 5, refill_per_second: 0.001 }] }
`;

for (const place of ['redis', 'memory'] as const) {
  const scope = place === 'redis' ? 'cluster' : 'node';

  test(`${place}: a client's buckets, what they let pass, and their reset`, async () => {
    await using redis = place === 'redis' ? await startRedis() : undefined;
    await using limited = await startLimited({ redis, env, routes: ROUTES });
    const calls = limitCalls(limited);
    await untilHealth(limited.port, 'ok');
    expect(tally(await statuses(limited.port, 6, { path: '/a/ok', ...as('c') }))).toEqual({ 200: 5, 429: 1 });
    expect(await statuses(limited.port, 1, { path: '/b/ok', ...as('c') })).toEqual([200]);

    const shown = await calls.show('c');
    expect(shown).toMatchObject({ client: 'c', scope, allowlisted: false, override: null });
    expect(shown.buckets).toMatchObject([
      { rule: 'burst', exists: true, capacity: 5, refillPerSecond: 0.001 },
      { rule: 'total', exists: true, capacity: 20 },
    ]);
    expect(shown.buckets.map(({ tokens }) => Math.floor(tokens))).toEqual([0, 12]);
    expect(shown.buckets[0]?.fullInSeconds).toBeGreaterThan(4_900);
    expect(shown.routes).toMatchObject([
      { route: 'a', rules: ['burst', 'total'], cost: 1, wouldPass: false, refusedBy: 'burst', shadow: false },
      { route: 'b', rules: ['total'], cost: 3, wouldPass: true, refusedBy: null, retryAfterSeconds: 0 },
      { route: 'free', rules: [], wouldPass: true, refusedBy: null },
      { route: 'watched', rules: ['burst'], wouldPass: true, refusedBy: 'burst', retryAfterSeconds: 0, shadow: true },
    ]);
    const refused = await get(limited.port, { path: '/a/ok', ...as('c') });
    const told = Number(refused.headers['retry-after']);
    expect(Math.abs((shown.routes[0]?.retryAfterSeconds ?? 0) - told)).toBeLessThanOrEqual(1);

    expect(await calls.reset('c')).toEqual({ client: 'c', scope, deletedBuckets: 2 });
    // The very next request, although a refusal is remembered for a second.
    expect(await statuses(limited.port, 5, { path: '/a/ok', ...as('c') })).toEqual([200, 200, 200, 200, 200]);
    expect((await calls.show('c')).buckets.map(({ tokens }) => Math.floor(tokens))).toEqual([0, 15]);
  });

  test(`${place}: tokens are set, never above the capacity, and also where there was no bucket`, async () => {
    await using redis = place === 'redis' ? await startRedis() : undefined;
    await using limited = await startLimited({ redis, env, routes: ROUTES });
    const calls = limitCalls(limited);
    const before = await calls.change('new', { tokens: 2, rule: 'burst' });
    expect(before).toMatchObject({
      client: 'new',
      scope,
      buckets: [{ rule: 'burst', exists: true, tokens: 2 }, { exists: false }],
    });
    expect(tally(await statuses(limited.port, 4, { path: '/a/ok', ...as('new') }))).toEqual({ 200: 2, 429: 2 });
    const full = await calls.change('new', { tokens: 1_000 });
    expect(full.buckets.map(({ tokens }) => tokens)).toEqual([5, 20]);
    expect(tally(await statuses(limited.port, 6, { path: '/a/ok', ...as('new') }))).toEqual({ 200: 5, 429: 1 });
    expect((await calls.change('new', { tokens: 0 })).routes.map(({ wouldPass }) => wouldPass)).toEqual([
      false,
      false,
      true,
      true,
    ]);
    expect(await statuses(limited.port, 1, { path: '/b/ok', ...as('new') })).toEqual([429]);

    const unknownRule = await calls.call('POST', 'new', { tokens: 1, rule: 'nope' });
    expect([unknownRule.status, unknownRule.body['rules']]).toEqual([404, ['burst', 'total']]);
    expect((await calls.call('POST', 'new', { tokens: -1 })).status).toBe(400);
    expect((await calls.call('POST', 'new', { tokens: 1, state: 'BANNED' })).status).toBe(400);
  });
}

test('an unknown client is 404 with names that exist', async () => {
  await using redis = await startRedis();
  await using limited = await startLimited({ redis, env });
  const calls = limitCalls(limited);
  await untilHealth(limited.port, 'ok');
  await statuses(limited.port, 1, as('alpha'));
  await statuses(limited.port, 1, as('beta'));
  await redis.client.hset('api-gateway:rate-limit:2001:db8::/64:rule', 'tokens', '1');
  for (const method of ['GET', 'DELETE']) {
    const { status, body } = await calls.call(method, 'gamma');
    expect([status, body['code']]).toEqual([404, 'unknown_client']);
    expect(new Set(body['clients'] as string[])).toEqual(new Set(['alpha', 'beta', '2001:db8::/64']));
  }
});

test('a client is found by its address, its IPv6 network, and the value that is hashed', async () => {
  await using redis = await startRedis();
  await using limited = await startLimited({
    redis,
    env: {
      ...env,
      RATE_LIMIT_KEY: 'header:x-api-key,ip',
      TRUSTED_PROXIES: '127.0.0.1',
      RATE_LIMIT_IPV6_PREFIX: '56',
    },
  });
  const calls = limitCalls(limited);
  await untilHealth(limited.port, 'ok');
  const forwarded = { 'x-forwarded-for': '2001:db8:0:1ff:1::9' };
  expect(await statuses(limited.port, 2, { headers: forwarded })).toEqual([200, 200]);
  for (const text of ['2001:db8:0:1ff:1::9', '2001:DB8:0:142::1', '2001:db8:0:100::/56']) {
    const shown = await calls.show(text);
    expect(shown.client).toBe('2001:db8:0:100::/56');
    expect(Math.floor(shown.buckets[0]?.tokens ?? 0)).toBe(8);
  }
  expect((await calls.call('GET', '2001:db8:0:200::1')).status).toBe(404);

  expect(await statuses(limited.port, 3, { headers: { 'x-api-key': 'top secret' } })).toEqual([200, 200, 200]);
  const name = hashedClient('top secret');
  for (const text of ['top secret', name]) {
    const shown = await calls.show(text);
    expect(shown).toMatchObject({ client: name, buckets: [{ rule: 'default', exists: true }] });
    expect(Math.floor(shown.buckets[0]?.tokens ?? 0)).toBe(7);
  }
  expect(await calls.reset('top secret')).toMatchObject({ client: name, deletedBuckets: 1 });
  expect(await redis.client.exists(bucketKey(name))).toBe(0);

  expect(await statuses(limited.port, 1)).toEqual([200]);
  expect((await calls.show('::ffff:127.0.0.1')).client).toBe('127.0.0.1');
  expect(await tokensOf(redis.client, '127.0.0.1')).toBe(9);
});

test('the allow-list is told, and only names that can be are taken where addresses name clients', async () => {
  await using limited = await startLimited({
    env: { RATE_LIMIT_CAPACITY: '2', RATE_LIMIT_REFILL_RATE: NO_REFILL, RATE_LIMIT_ALLOWLIST: '10.0.0.0/8' },
  });
  const calls = limitCalls(limited);
  expect(await calls.show('10.1.2.3')).toMatchObject({
    allowlisted: true,
    buckets: [{ exists: false, tokens: 2 }],
    routes: [{ wouldPass: true, refusedBy: null }],
  });
  expect((await calls.call('GET', '192.0.2.1')).status).toBe(404);
  const typo = await calls.call('POST', 'typo', { state: 'BANNED' });
  expect([typo.status, typo.body['code']]).toEqual([404, 'impossible_client']);
  const auto = await calls.call('POST', '192.0.2.1', { state: 'AUTO', for: 5 });
  expect(auto.status).toBe(400);
});

test('tokens that a thread has taken ahead do not outlive a reset or a new level', async () => {
  await using redis = await startRedis();
  await using limited = await startLimited({
    redis,
    env: { ...env, RATE_LIMIT_CAPACITY: '1000', RATE_LIMIT_LEASE: '100' },
  });
  await untilHealth(limited.port, 'ok');
  // At once, so that the client is busy enough for a thread to take ahead.
  await Promise.all(Array.from({ length: 20 }, () => get(limited.port, as('c'))));
  expect(await tokensOf(redis.client, 'c')).toBeLessThan(980);
  await limitCalls(limited).change('c', { tokens: 0 });
  expect(await statuses(limited.port, 2, as('c'))).toEqual([429, 429]);
});

test('REDIS_MODE=cluster: buckets, overrides and names on all its servers', async () => {
  await using cluster = await startCluster();
  const url = cluster.addresses.map(({ host, port }) => `redis://${host}:${port}`).join(',');
  const both = { ...env, REDIS_MODE: 'cluster', REDIS_URL: url };
  await using one = await startLimited({ env: { ...both, NODE_NAME: 'one' }, routes: ROUTES });
  await using two = await startLimited({ env: { ...both, NODE_NAME: 'two' }, routes: ROUTES });
  await Promise.all([one, two].map(({ port }) => untilHealth(port, 'ok')));
  const onTwo = limitCalls(two);
  const names = Array.from({ length: 6 }, (_, i) => `c${i}`);
  for (const name of names)
    expect(tally(await statuses(one.port, 6, { path: '/a/ok', ...as(name) }))).toEqual({ 200: 5, 429: 1 });
  for (const name of names) {
    const { buckets, scope } = await onTwo.show(name);
    expect([scope, ...buckets.map(({ tokens }) => Math.floor(tokens))]).toEqual(['cluster', 0, 15]);
  }
  expect(new Set((await onTwo.call('GET', 'nobody')).body['clients'] as string[])).toEqual(new Set(names));
  expect(await onTwo.reset('c0')).toMatchObject({ scope: 'cluster', deletedBuckets: 2 });
  expect(await statuses(two.port, 1, { path: '/a/ok', ...as('c0') })).toEqual([200]);
  expect((await onTwo.change('c1', { tokens: 3, rule: 'burst' })).buckets[0]).toMatchObject({ tokens: 3 });
  await onTwo.change('c2', { state: 'BANNED' });
  await eventually(
    async () => (await get(one.port, { path: '/a/ok', ...as('c2') })).status === 403,
    'banned on the other',
  );
  await eventually(async () => (await onTwo.top()).clients.length === 6, 'the other node’s refusals', 8_000);
});
