import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { eventually } from '../support/wait.ts';
import { NO_REFILL, PATIENT, startLimited } from './setup.ts';
import { get } from '../support/requests.ts';
import type { Reply } from '../support/requests.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis[Symbol.asyncDispose]());

const limit = (key: string, more: Readonly<Record<string, string>> = {}) => ({
  WORKERS: '2',
  RATE_LIMIT_CAPACITY: '2',
  RATE_LIMIT_REFILL_RATE: '0.5',
  RATE_LIMIT_KEY: `header-plain:${key}`,
  ...PATIENT,
  ...more,
});

const rateFields = ({ headers }: Reply): Record<string, unknown> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => /ratelimit|retry-after/.test(name)));

describe.each(['Redis', 'no Redis'])('what clients see, %s', (where) => {
  const store = () => (where === 'Redis' ? redis : undefined);

  test('levels go down, then a 429 that says everything', async () => {
    await using limited = await startLimited({ env: limit('a', { RATE_LIMIT_REFILL_RATE: '0.01' }), redis: store() });
    const ask = { headers: { a: 'levels' } };
    const [first, second] = [await get(limited.port, ask), await get(limited.port, ask)];
    expect(rateFields(first)).toEqual({
      'ratelimit-policy': '"default";q=2;w=200',
      ratelimit: '"default";r=1;t=100',
      'x-ratelimit-limit': '2',
      'x-ratelimit-remaining': '1',
      'x-ratelimit-reset': '100',
    });
    expect(second.headers).toMatchObject({ 'x-ratelimit-remaining': '0' });
    const refused = await get(limited.port, { headers: { a: 'levels', 'x-request-id': 'mine' } });
    expect(refused.status).toBe(429);
    expect(refused.headers['content-type']).toBe('application/problem+json');
    expect(refused.headers['x-request-id']).toBe('mine');
    const wait = Number(refused.headers['retry-after']);
    expect(wait).toBeGreaterThan(90);
    expect(wait).toBeLessThanOrEqual(100);
    expect(rateFields(refused)).toEqual({
      'retry-after': String(wait),
      'ratelimit-policy': '"default";q=2;w=200',
      ratelimit: `"default";r=0;t=${wait}`,
      'x-ratelimit-limit': '2',
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': String(wait),
    });
    expect(refused.body).toMatch(/^[^\n]*429[^\n]*\n$/);
    expect(JSON.parse(refused.body)).toMatchObject({ status: 429, code: 'rate_limited', request_id: 'mine' });
    const head = await get(limited.port, { ...ask, method: 'HEAD' });
    expect([head.status, head.body]).toEqual([429, '']);
  });

  test('Retry-After is honest: then it passes, a second earlier it does not', async () => {
    await using limited = await startLimited({ env: limit('b'), redis: store() });
    const ask = { headers: { b: 'honest' } };
    let refused = await get(limited.port, ask);
    while (refused.status !== 429) refused = await get(limited.port, ask);
    const askedMs = performance.now();
    const waitMs = Number(refused.headers['retry-after']) * 1000;
    expect([1000, 2000]).toContain(waitMs);
    // Asking in between costs nothing; what passes, passes in the last second, because whole seconds are rounded up.
    let passedMs = 0;
    await eventually(async () => {
      const sentMs = performance.now();
      if (sentMs - askedMs >= waitMs) return true;
      if ((await get(limited.port, ask)).status !== 429) passedMs = sentMs - askedMs;
      return passedMs > 0;
    }, 'the wait is over');
    const whenOver = passedMs === 0 ? await get(limited.port, ask) : undefined;
    expect(whenOver?.status ?? 200).toBe(200);
    expect(passedMs === 0 ? waitMs : passedMs).toBeGreaterThan(waitMs - 1000);
  });
});

const SHOWN = {
  both: [
    'ratelimit',
    'ratelimit-policy',
    'retry-after',
    'x-ratelimit-limit',
    'x-ratelimit-remaining',
    'x-ratelimit-reset',
  ],
  draft: ['ratelimit', 'ratelimit-policy', 'retry-after'],
  legacy: ['retry-after', 'x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset'],
  off: ['retry-after'],
};

test.each(Object.entries(SHOWN))('RATE_LIMIT_HEADERS=%s', async (mode, names) => {
  const env = limit('c', { RATE_LIMIT_HEADERS: mode, RATE_LIMIT_CAPACITY: '1', RATE_LIMIT_REFILL_RATE: NO_REFILL });
  await using limited = await startLimited({ env });
  const ask = { headers: { c: mode } };
  const passed = await get(limited.port, ask);
  expect([passed.status, Object.keys(rateFields(passed)).sort()]).toEqual([
    200,
    names.filter((name) => name !== 'retry-after'),
  ]);
  const refused = await get(limited.port, ask);
  expect([refused.status, Object.keys(rateFields(refused)).sort()]).toEqual([429, names]);
});

test('an answer of the gateway itself has the fields too', async () => {
  await using limited = await startLimited({ env: limit('d', { UPSTREAM_URL: 'http://127.0.0.1:1' }) });
  const reply = await get(limited.port, { headers: { d: 'failed' } });
  expect([reply.status, reply.headers['x-ratelimit-remaining']]).toEqual([502, '1']);
});
