import { expect, test } from 'vitest';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { startRedis } from '../support/redis.ts';
import { NO_REFILL, PATIENT, startLimited, untilHealth } from '../limits-gateway/setup.ts';
import { get, statuses, tally } from '../support/requests.ts';
import { eventually, stopwatch } from '../support/wait.ts';
import { limitCalls } from './limits-calls.ts';

const env = (name: string) => ({
  NODE_NAME: name,
  RATE_LIMIT_CAPACITY: '3',
  RATE_LIMIT_REFILL_RATE: NO_REFILL,
  RATE_LIMIT_KEY: 'header-plain:client',
  ...PATIENT,
});
const as = (client: string) => ({ headers: { client } });
const KEY = 'api-gateway:limit-overrides';

const ROUTES = `
  - { path: /proxy, name: proxy, strip_prefix: true, upstream: demo }
  - { path: /free, name: free, strip_prefix: true, upstream: demo, limits: [] }
`;

test('without a Redis: a ban holds at once on every route, an exemption too, and both end', async () => {
  await using limited = await startLimited({ env: { ...env('one'), WORKERS: '2' }, routes: ROUTES });
  const calls = limitCalls(limited);
  const { port } = limited;
  const banned = await calls.change('bad', { state: 'BANNED', for: 3 });
  expect(banned).toMatchObject({ client: 'bad', scope: 'node', override: { state: 'BANNED', remainingSeconds: 3 } });
  expect(banned.routes).toMatchObject([
    { route: 'proxy', wouldPass: false, refusedBy: 'ban' },
    { route: 'free', wouldPass: false, refusedBy: 'ban' },
  ]);
  for (const path of ['/proxy/ok', '/free/ok']) {
    const refused = await get(port, { path, ...as('bad') });
    expect(refused.status).toBe(403);
    expect(refused.headers['content-type']).toBe('application/problem+json');
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(3);
    expect(refused.headers['x-ratelimit-limit']).toBeUndefined();
    expect(JSON.parse(refused.body)).toMatchObject({ status: 403, code: 'client_banned' });
  }
  expect(await statuses(port, 1, as('good'))).toEqual([200]);
  await eventually(async () => (await get(port, { path: '/free/ok', ...as('bad') })).status === 200, 'the ban ends');
  // No bucket was touched while it was banned.
  expect(tally(await statuses(port, 4, as('bad')))).toEqual({ 200: 3, 429: 1 });

  expect((await calls.change('bad', { state: 'EXEMPT' })).routes[0]).toMatchObject({
    wouldPass: true,
    refusedBy: null,
  });
  expect(tally(await statuses(port, 6, as('bad')))).toEqual({ 200: 6 });
  expect((await calls.change('bad', { state: 'AUTO' })).override).toBeNull();
  expect(await statuses(port, 1, as('bad'))).toEqual([429]);
});

test('two nodes: a ban on one refuses on the other within a second, and so does its end', async () => {
  await using redis = await startRedis();
  await using one = await startLimited({ redis, env: env('one') });
  await using two = await startLimited({ redis, env: env('two') });
  await Promise.all([one, two].map(({ port }) => untilHealth(port, 'ok')));
  const [onOne, onTwo] = [limitCalls(one), limitCalls(two)];
  expect(await onOne.change('bad', { state: 'BANNED', for: 60 })).toMatchObject({ scope: 'cluster' });
  expect(await statuses(one.port, 1, as('bad'))).toEqual([403]);
  await eventually(async () => (await get(two.port, as('bad'))).status === 403, 'refused on the other', 1_000);
  const written = JSON.parse((await redis.client.hget(KEY, 'bad')) ?? '{}') as Record<string, unknown>;
  expect(written).toMatchObject({ state: 'BANNED', by: expect.stringContaining('at one') });
  expect(await redis.client.pttl(KEY)).toBeGreaterThan(50_000);
  expect((await onTwo.show('bad')).override).toMatchObject({ state: 'BANNED' });
  expect(await redis.client.exists('api-gateway:rate-limit:bad')).toBe(0);

  // A node that starts later knows it too.
  await using three = await startLimited({ redis, env: env('three') });
  await eventually(async () => (await get(three.port, as('bad'))).status === 403, 'refused on a new node', 1_000);

  expect(await onTwo.change('bad', { state: 'AUTO' })).toMatchObject({ scope: 'cluster', override: null });
  expect(await statuses(two.port, 1, as('bad'))).toEqual([200]);
  await eventually(async () => (await get(one.port, as('bad'))).status === 200, 'lifted on the first', 1_000);
  expect(await redis.client.exists(KEY)).toBe(0);
});

test('two nodes: a reset and new tokens count on both at once', async () => {
  await using redis = await startRedis();
  await using one = await startLimited({ redis, env: env('one') });
  await using two = await startLimited({ redis, env: env('two') });
  await Promise.all([one, two].map(({ port }) => untilHealth(port, 'ok')));
  expect(tally(await statuses(one.port, 4, as('c')))).toEqual({ 200: 3, 429: 1 });
  expect(await statuses(two.port, 1, as('c'))).toEqual([429]);
  using watch = stopwatch();
  await limitCalls(one).reset('c');
  expect(await statuses(one.port, 1, as('c'))).toEqual([200]);
  await eventually(async () => (await get(two.port, as('c'))).status === 200, 'free on the other', 600);
  expect(watch.ms()).toBeLessThan(900); // a refusal is remembered for 1,000 ms

  await statuses(two.port, 3, as('c'));
  using again = stopwatch();
  await limitCalls(one).change('c', { tokens: 2 });
  await eventually(async () => (await get(two.port, as('c'))).status === 200, 'tokens on the other', 600);
  expect(again.ms()).toBeLessThan(900);
});

test('an override that was written by hand counts, one that is nonsense does not, and deleting the hash lifts all', async () => {
  await using redis = await startRedis();
  await using one = await startLimited({ redis, env: env('one') });
  await untilHealth(one.port, 'ok');
  const until = Date.now() + 60_000;
  await redis.client.hset(KEY, {
    bad: JSON.stringify({ state: 'BANNED', until }),
    odd: '{"state":',
    old: '{"state":"BANNED","until":5}',
  });
  await eventually(async () => (await get(one.port, as('bad'))).status === 403, 'read again', 7_000);
  expect(await statuses(one.port, 1, as('odd'))).toEqual([200]);
  expect(await statuses(one.port, 1, as('old'))).toEqual([200]);
  await limitCalls(one).change('other', { state: 'EXEMPT' });
  expect((await redis.client.hkeys(KEY)).sort()).toEqual(['#version', 'bad', 'other']); // whoever changes it drops what has ended
  await redis.client.del(KEY);
  await eventually(async () => (await get(one.port, as('bad'))).status !== 403, 'lifted', 7_000);
});

test('Redis down: overrides are this node’s, and are written when it is back', async () => {
  await using redis = await startRedis();
  await using one = await startLimited({ redis, env: env('one') });
  await using two = await startLimited({ redis, env: env('two') });
  const calls = limitCalls(one);
  await calls.change('late', { state: 'BANNED', for: 600 });
  redis.kill('SIGKILL');
  await untilHealth(one.port, 'degraded');
  using watch = stopwatch();
  expect(await calls.change('bad', { state: 'BANNED', for: 600 })).toMatchObject({
    scope: 'node',
    override: { state: 'BANNED' },
  });
  expect(await statuses(one.port, 1, as('bad'))).toEqual([403]);
  expect(await statuses(one.port, 1, as('late'))).toEqual([403]); // what was known before still holds
  expect(await statuses(two.port, 1, as('bad'))).toEqual([200]);
  expect((await calls.change('late', { state: 'AUTO' })).override).toBeNull();
  expect(await statuses(one.port, 1, as('late'))).toEqual([200]);
  expect(await calls.top()).toMatchObject({ scope: 'node', nodes: 1 });
  expect(await calls.show('late')).toMatchObject({ scope: 'node' });
  expect(await calls.reset('late')).toMatchObject({ scope: 'node' });
  expect((await calls.call('GET', 'nobody')).status).toBe(404);
  expect(watch.ms()).toBeLessThan(4_000);

  await redis.restart();
  await eventually(async () => (await redis.client.hkeys(KEY)).sort().join() === '#version,bad', 'written', 8_000);
  await eventually(async () => (await get(two.port, as('bad'))).status === 403, 'known to the other', 6_000);
  expect(await calls.show('bad')).toMatchObject({ scope: 'cluster', override: { state: 'BANNED' } });
});

test('a Redis that hangs: every call is answered in bounded time', async () => {
  await using redis = await startRedis();
  await using one = await startLimited({ redis, env: env('one') });
  const calls = limitCalls(one);
  await statuses(one.port, 1, as('c'));
  redis.kill('SIGSTOP');
  try {
    using watch = stopwatch();
    const all = await Promise.all([
      calls.top(),
      calls.change('bad', { state: 'BANNED' }),
      calls.call('GET', 'nobody'),
      calls.call('DELETE', 'nobody'),
    ]);
    expect(watch.ms()).toBeLessThan(6_000);
    // A signal takes effect in its own time: the first call may still be answered by Redis.
    expect(all).toMatchObject([{}, { scope: 'node' }, { status: 404 }, { status: 404 }]);
    expect(await statuses(one.port, 1, as('bad'))).toEqual([403]);
  } finally {
    redis.kill('SIGCONT');
  }
  await eventually(async () => (await redis.client.hexists(KEY, 'bad')) === 1, 'written', 8_000);
});

test('a ban or an exemption of an address holds also where RATE_LIMIT_KEY is a header', async () => {
  await using limited = await startLimited({
    env: { ...env('one'), TRUSTED_PROXIES: '127.0.0.1' },
    routes: ROUTES,
  });
  const calls = limitCalls(limited);
  const { port } = limited;
  const from = (address: string, client: string) => ({ headers: { 'x-forwarded-for': address, client } });
  // A client that names itself like the address must not take the ban upon itself.
  await statuses(port, 1, from('203.0.113.7', '203.0.113.7'));
  expect((await calls.change('203.0.113.7', { state: 'BANNED' })).client).toBe('203.0.113.7');
  await calls.change('2001:db8::1', { state: 'BANNED' });
  for (const address of ['203.0.113.7', '2001:db8::2']) {
    expect(await statuses(port, 1, from(address, 'any'))).toEqual([403]);
    expect(await statuses(port, 1, { path: '/free/ok', ...from(address, 'any') })).toEqual([403]);
  }
  expect(await statuses(port, 1, from('203.0.113.8', 'any'))).toEqual([200]);

  await calls.change('198.51.100.1', { state: 'EXEMPT' });
  expect(tally(await statuses(port, 6, from('198.51.100.1', 'busy')))).toEqual({ 200: 6 });
  expect(tally(await statuses(port, 6, from('198.51.100.2', 'busy')))).toEqual({ 200: 3, 429: 3 });
  // A ban of either comes before an exemption of the other.
  await calls.change('good', { state: 'EXEMPT' });
  await calls.change('bad', { state: 'BANNED' });
  expect(await statuses(port, 1, from('203.0.113.7', 'good'))).toEqual([403]);
  expect(await statuses(port, 1, from('198.51.100.1', 'bad'))).toEqual([403]);
  expect((await calls.change('203.0.113.7', { state: 'AUTO' })).override).toBeNull();
  expect(await statuses(port, 1, from('203.0.113.7', 'good'))).toEqual([200]);
});

test('changes of overrides do not read all of them each time', async () => {
  await using redis = await startRedis();
  await using one = await startLimited({ redis, env: env('one') });
  await using two = await startLimited({ redis, env: env('two') });
  await Promise.all([one, two].map(({ port }) => untilHealth(port, 'ok')));
  const calls = limitCalls(one);
  await calls.change('first', { state: 'BANNED' });
  const readsOf = async (): Promise<number> =>
    Number(/cmdstat_hgetall:calls=(\d+)/.exec(await redis.client.info('commandstats'))?.[1] ?? 0);
  const before = await readsOf();
  const startMs = performance.now();
  for (let i = 0; i < 20; i++) await calls.change(`c${i}`, { state: 'BANNED' });
  await eventually(async () => (await get(two.port, as('c19'))).status === 403, 'known to the other', 2_500);
  // One reading a second on each node at most, and one of each that was due anyway.
  const seconds = Math.ceil((performance.now() - startMs) / 1000);
  expect((await readsOf()) - before).toBeLessThanOrEqual(2 * (seconds + 1));
});

test('a Redis that hangs: one call waits for it, those after it do not ask it at all, and a ban of an address holds at once', async () => {
  await using redis = await startRedis();
  await using proxy = await startTcpProxy(redis.port);
  await using one = await startLimited({
    redis: proxy,
    env: { ...env('one'), TRUSTED_PROXIES: '127.0.0.1' },
    routes: ROUTES,
  });
  const calls = limitCalls(one);
  await untilHealth(one.port, 'ok');
  await statuses(one.port, 1, as('c'));
  proxy.stall();
  using watch = stopwatch();
  const asked = calls.change('203.0.113.7', { state: 'BANNED' });
  const from = { path: '/free/ok', headers: { 'x-forwarded-for': '203.0.113.7', client: 'any' } };
  await eventually(async () => (await get(one.port, from)).status === 403, 'the ban holds', 700);
  expect(await asked).toMatchObject({ scope: 'node' });
  expect(watch.ms()).toBeLessThan(3_000); // Redis has a second
  const before = proxy.sent().length;
  await calls.change('bad', { state: 'BANNED' });
  await calls.change('c', { tokens: 1 });
  await calls.reset('c');
  await calls.call('GET', 'nobody');
  await calls.top();
  const said = proxy.sent().slice(before);
  for (const word of ['limit-overrides', 'limit-client', 'refused:', 'bad', 'nobody']) expect(said).not.toContain(word);
  proxy.mend(); // the connection is new: until it is there this node, which has no bucket of that client, speaks for itself
  await eventually(async () => (await calls.call('GET', 'c')).body['scope'] === 'cluster', 'asked again');
  await eventually(async () => (await redis.client.hexists(KEY, 'bad')) === 1, 'written');
});

test('no more than 1,000 clients at once, among them those that have one already', async () => {
  await using redis = await startRedis();
  await using one = await startLimited({ redis, env: env('one') });
  await untilHealth(one.port, 'ok');
  const value = JSON.stringify({ state: 'EXEMPT', until: Date.now() + 600_000, by: 'test' });
  await redis.client.hset(KEY, Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`c${i}`, value])));
  const calls = limitCalls(one);
  const refused = await calls.call('POST', 'one-more', { state: 'BANNED' });
  expect([refused.status, refused.body['code']]).toEqual([409, 'too_many_overrides']);
  expect(await calls.change('c5', { state: 'BANNED' })).toMatchObject({ scope: 'cluster' });
  expect(await statuses(one.port, 1, as('c5'))).toEqual([403]);
  expect(tally(await statuses(one.port, 5, as('c999')))).toEqual({ 200: 5 });
  await calls.change('c6', { state: 'AUTO' });
  expect(await calls.change('one-more', { state: 'BANNED' })).toMatchObject({ override: { state: 'BANNED' } });
});
