import { describe, expect, test } from 'vitest';
import { makeApiKey } from '../../src/shared/identity/api-key.ts';
import { NO_REFILL, PATIENT, bucketKey, tokensOf } from '../limits-gateway/setup.ts';
import { startRedis } from '../support/redis.ts';
import { get, statuses, tally } from '../support/requests.ts';
import { eventually } from '../support/wait.ts';
import { aKey, startKeyed } from './setup.ts';
import type { Keyed } from './setup.ts';

const ONE = aKey();
const TWO = aKey();
const THREE = aKey();

const profile = (capacity: number, more = ''): string =>
  `{ limits: [{ capacity: ${capacity}, refill_per_second: ${NO_REFILL} }]${more} }`;

const FILE = `
profiles: { small: ${profile(3)}, large: ${profile(6)} }
consumers:
  one: { profile: small, keys: [${ONE.yaml}] }
  two: { profile: large, keys: [${TWO.yaml}] }
  three: { keys: [${THREE.yaml}] }
routes:
  - { path: /a, upstream: o, authenticate: [api_key] }
  - { path: /b, upstream: o, authenticate: [api_key] }
  - { path: /c, upstream: o, authenticate: [api_key], limits: [{ capacity: 2, refill_per_second: ${NO_REFILL} }] }
  - { path: /free, upstream: o, authenticate: [api_key], limits: [] }
`;

const by = (key: string, path: string) => ({ path, headers: { 'x-api-key': key } });
const env = { ...PATIENT, ACCESS_LOG: 'off' };

async function ofPath(keyed: Keyed, path: string, init: RequestInit = {}): Promise<Record<string, unknown>> {
  const headers = { ...keyed.gateway.bearer, 'content-type': 'application/json' };
  const response = await fetch(`${keyed.gateway.adminUrl}${path}`, { ...init, headers });
  return (await response.json()) as Record<string, unknown>;
}

describe.each(['memory', 'redis'])('in %s', (store) => {
  test('a profile is one bucket of its consumer over all routes, and the limits of a route hold as well', async () => {
    await using redis = await startRedis();
    const REDIS_URL = `redis://127.0.0.1:${redis.port}`;
    await using keyed = await startKeyed(FILE, { env: store === 'redis' ? { ...env, REDIS_URL } : env });
    const { port } = keyed;
    expect(await statuses(port, 2, by(ONE.key, '/a'))).toEqual([200, 200]);
    expect(await statuses(port, 2, by(ONE.key, '/b'))).toEqual([200, 429]);
    // Who is refused by the route has paid nothing of the profile.
    expect(await statuses(port, 4, by(TWO.key, '/c'))).toEqual([200, 200, 429, 429]);
    expect(await statuses(port, 5, by(TWO.key, '/a'))).toEqual([200, 200, 200, 200, 429]);
    expect(await statuses(port, 4, by(ONE.key, '/free'))).toEqual([200, 200, 200, 200]);
    expect(tally(await statuses(port, 12, by(THREE.key, '/a')))).toEqual({ 200: 12 });
    const { headers } = await get(port, by(ONE.key, '/a'));
    expect(headers['ratelimit-policy']).toMatch(/^"profile:small";q=3;/);
    const { body } = await get(keyed.gateway.adminPort, '/metrics');
    expect(body).toMatch(/rate_limit_decisions_total\{rule="profile:small",mode="[a-z]+",outcome="refused"\} [1-9]/);
    if (store === 'memory') return;
    expect(Math.floor(await tokensOf(redis.client, 'consumer=one'))).toBe(0);
    expect(await redis.client.exists(bucketKey('consumer=two', 'c'), bucketKey('127.0.0.1'))).toBe(1);
  });
});

test('operators look for consumers, ban them and set them free by their names', async () => {
  await using keyed = await startKeyed(FILE, { env });
  const { port } = keyed;
  await statuses(port, 5, by(ONE.key, '/a'));
  expect(await ofPath(keyed, '/admin/limits/one')).toMatchObject({
    client: 'consumer=one',
    buckets: [{ rule: 'profile:small', exists: true, capacity: 3 }, { rule: 'c' }],
    routes: [{ route: 'a', wouldPass: false, refusedBy: 'profile:small' }, {}, {}, { route: 'free', wouldPass: true }],
  });
  await eventually(async () => {
    const { clients } = await ofPath(keyed, '/admin/limits/top');
    return (clients as { client: string }[])[0]?.client === 'consumer=one';
  }, 'the consumer is among those that are refused most');
  const post = (path: string, body: object) => ofPath(keyed, path, { method: 'POST', body: JSON.stringify(body) });
  expect(await post('/admin/limits/one', { state: 'EXEMPT' })).toMatchObject({ client: 'consumer=one' });
  expect(await statuses(port, 2, by(ONE.key, '/a'))).toEqual([200, 200]);
  await post('/admin/limits/two', { state: 'BANNED' });
  expect((await get(port, by(TWO.key, '/a'))).status).toBe(403);
  expect((await get(port, by(THREE.key, '/a'))).status).toBe(200);
  await post('/admin/limits/one', { state: 'AUTO' });
  await ofPath(keyed, '/admin/limits/one', { method: 'DELETE' });
  expect(await statuses(port, 4, by(ONE.key, '/a'))).toEqual([200, 200, 200, 429]);
});

test('a profile says how much its consumers may have under way', async () => {
  const file = FILE.replace(profile(6), profile(6, ', max_in_flight: 2'));
  await using keyed = await startKeyed(file, { env });
  const { port, upstream } = keyed;
  expect(upstream.requests).toHaveLength(0);
  keyed.hold();
  const waiting = [get(port, by(TWO.key, '/a')), get(port, by(TWO.key, '/b'))];
  await eventually(() => upstream.requests.length === 2, 'two are under way');
  expect((await get(port, by(TWO.key, '/free'))).status).toBe(429);
  const other = get(port, by(ONE.key, '/a'));
  await eventually(() => upstream.requests.length === 3, 'another consumer is not held up');
  keyed.release();
  for (const reply of await Promise.all([...waiting, other])) expect(reply.status).toBe(200);
  expect((await get(port, by(TWO.key, '/free'))).status).toBe(200);
});

test('what a profile says of that holds for a node, however many threads it has', async () => {
  const file = FILE.replace(profile(6), profile(6, ', max_in_flight: 3'));
  await using keyed = await startKeyed(file, { env: { ...env, WORKERS: '3' } });
  const { port, upstream } = keyed;
  keyed.hold();
  const replies = Array.from({ length: 12 }, () => get(port, by(TWO.key, '/free')));
  let refused = 0;
  for (const each of replies) void each.then(({ status }) => (refused += status === 429 ? 1 : 0));
  await eventually(() => refused + upstream.requests.length === 12, 'each is under way or refused');
  expect(upstream.requests.length).toBeLessThanOrEqual(3);
  keyed.release();
  await Promise.all(replies);
  const { length } = upstream.requests;
  keyed.hold();
  const later = [1, 2, 3].map(() => get(port, by(TWO.key, '/free')));
  await eventually(() => upstream.requests.length === length + 3, 'the places are free again');
  keyed.release();
  for (const each of await Promise.all(later)) expect(each.status).toBe(200);
});

describe('wrong keys from one address', () => {
  test('are 429 beyond its budget, and hold up nobody whose key is good', async () => {
    const keys = Array.from({ length: 1_000 }, (_, n) => aKey(`d${n}`));
    const file = `
consumers: { fleet: { keys: [${keys.map(({ yaml }) => yaml).join(', ')}] } }
routes: [{ path: /a, upstream: o, authenticate: [api_key] }]`;
    await using keyed = await startKeyed(file, { env: { ...env, AUTH_FAILURE_REFILL_RATE: NO_REFILL } });
    const { port } = keyed;
    const guesses: number[] = [];
    let attacking = true;
    const attack = (async () => {
      while (attacking) guesses.push((await get(port, by(makeApiKey(), '/a'))).status);
    })();
    const seen: number[] = [];
    for (let at = 0; at < keys.length; at += 50) {
      const replies = await Promise.all(keys.slice(at, at + 50).map(({ key }) => get(port, by(key, '/a'))));
      for (const { status } of replies) seen.push(status);
    }
    await eventually(() => guesses.includes(429), 'guesses are refused');
    attacking = false;
    await attack;
    expect(tally(seen)).toEqual({ 200: 1_000 });
    expect(guesses.indexOf(429)).toBeGreaterThanOrEqual(20);
    const refused = await get(port, by(makeApiKey(), '/a'));
    expect([401, 429]).toContain(refused.status);
    // A typo is no guess: it is refused by its checksum, and never counts.
    expect(tally(await statuses(port, 30, by('gw1_typo', '/a')))).toEqual({ 401: 30 });
  });

  test('the same wrong one again and again is one', async () => {
    await using keyed = await startKeyed(FILE, {
      env: { ...env, AUTH_FAILURE_CAPACITY: '2', AUTH_FAILURE_REFILL_RATE: NO_REFILL },
    });
    const wrong = makeApiKey();
    expect(tally(await statuses(keyed.port, 20, by(wrong, '/a')))).toEqual({ 401: 20 });
    const others = await statuses(keyed.port, 8, by(wrong, '/a'));
    expect(tally(others)).toEqual({ 401: 8 });
    const guesses = [];
    for (let n = 0; n < 20; n++) guesses.push(await get(keyed.port, by(makeApiKey(), '/a')));
    const refused = guesses.find(({ status }) => status === 429);
    expect(Number(refused?.headers['retry-after'])).toBeGreaterThan(0);
    expect(refused?.body).toContain('too_many_failures');
  });
});
