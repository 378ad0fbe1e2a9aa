import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { NO_REFILL, PATIENT, startLimited } from '../limits-gateway/setup.ts';
import type { Limited } from '../limits-gateway/setup.ts';
import { get, statuses } from '../support/requests.ts';
import { eventually } from '../support/wait.ts';
import { promtoolSays, scrape } from './prometheus-text.ts';
import type { Exposition } from './prometheus-text.ts';

const ROUTES = `
  - { name: all, path: /all, strip_prefix: true, upstream: demo }
  - name: few
    path: /few
    strip_prefix: true
    methods: [GET]
    upstream: demo
    limits: [{ name: two, capacity: 2, refill_per_second: ${NO_REFILL} }]
`;
const METHODS = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'other'];

const CLIENT = 'client-4711';

/** What holds of the requests that were sent so far, as soon as the gateway has counted them. */
async function scraped(limited: Limited, holds: (now: Exposition) => boolean): Promise<Exposition> {
  let now = await scrape(limited.gateway);
  await eventually(async () => holds((now = await scrape(limited.gateway))), 'the numbers are there');
  return now;
}

describe('GET /metrics of a gateway with Redis', () => {
  let redis: TestRedis;
  let limited: Limited;
  beforeAll(async () => {
    redis = await startRedis();
    limited = await startLimited({
      redis,
      routes: ROUTES,
      env: { WORKERS: '2', GATEWAY_TEST_FAULTS: 'on', RATE_LIMIT_KEY: 'header-plain:client', ...PATIENT },
    });
  });
  afterAll(async () => {
    await limited[Symbol.asyncDispose]();
    await redis[Symbol.asyncDispose]();
  });

  test('from the start promtool is content and every contract name is there, at 0', async () => {
    const now = await scraped(limited, (each) => each.value('rate_limit_store_up') === 1);
    expect(promtoolSays(now.text)).toBe('');
    const expected = [
      ...METHODS.map((method) => `method="${method}",route="(none)"`),
      ...['GET', 'HEAD'].map((method) => `method="${method}",route="(probe)"`),
      'method="OPTIONS",route="(preflight)"',
      ...METHODS.map((method) => `method="${method}",route="all"`),
      'method="GET",route="few"',
    ].sort();
    for (const name of ['http_requests_total', 'http_requests_5xx_total', 'http_requests_429_total']) {
      expect(now.labelSets(name).sort(), name).toEqual(expected);
      expect(now.sum(name), name).toBe(0);
    }
    expect(now.values('http_request_duration_seconds_count', { route: 'all' })).toEqual([0]);
    expect(now.value('http_request_duration_seconds_bucket{route="all",le="1"}')).toBe(0);
    expect(now.value('circuit_breaker_state{upstream="demo"}')).toBe(1);
    expect(now.value('circuit_breaker_forced{upstream="demo"}')).toBe(0);
    expect(now.values('circuit_breaker_transitions_total')).toEqual([0, 0, 0]);
    expect(now.values('rate_limit_decisions_total', { rule: 'two' })).toEqual(Array.from({ length: 21 }, () => 0));
    expect(now.value('redis_memory_used_bytes')).toBeGreaterThan(100_000);
    expect(now.value('redis_memory_max_bytes')).toBeGreaterThan(now.value('redis_memory_used_bytes') ?? 0);
    expect(now.value('gateway_threads{state="serving"}')).toBe(2);
    expect(now.value('gateway_live_nodes')).toBe(1);
    expect(now.value('gateway_config_version')).toBe(1);
    expect(now.values('gateway_build_info', { node_version: process.version })).toEqual([1]);
    expect(now.labelSets('gateway_event_loop_utilization')).toEqual(['thread="front"', 'thread="0"', 'thread="1"']);
    expect(now.value('process_resident_memory_bytes')).toBeGreaterThan(10_000_000);
  });

  test('maxmemory is what counts once it is set', async () => {
    await redis.client.config('SET', 'maxmemory', '64mb');
    await scraped(limited, (now) => now.value('redis_memory_max_bytes') === 64 * 1024 * 1024);
    await redis.client.config('SET', 'maxmemory', '0');
  });

  test('counts what was asked and answered, and names no client', async () => {
    const { port } = limited;
    const headers = { client: CLIENT };
    expect(await statuses(port, 3, { path: '/all/ok', headers })).toEqual([200, 200, 200]);
    expect((await get(port, { path: '/all/fail', headers })).status).toBe(500);
    expect((await get(port, { path: '/all/echo', method: 'POST', headers, body: 'x'.repeat(1_000) })).status).toBe(200);
    expect((await get(port, { path: '/all/status/404', method: 'PURGE', headers })).status).toBe(404);
    expect(await statuses(port, 5, { path: '/few/ok', headers })).toEqual([200, 200, 429, 429, 429]);
    expect((await get(port, { path: '/nothing' })).status).toBe(404);
    expect((await get(port, { path: '/health' })).status).toBe(200);

    const now = await scraped(limited, (each) => each.sum('http_requests_total') === 13);
    const requests = (name: string, route: string, method: string): number | undefined =>
      now.value(`http_requests${name}_total{route="${route}",method="${method}"}`);
    expect([requests('', 'all', 'GET'), requests('_5xx', 'all', 'GET'), requests('_429', 'all', 'GET')]).toEqual([
      4, 1, 0,
    ]);
    expect([requests('', 'all', 'POST'), requests('', 'all', 'other')]).toEqual([1, 1]);
    expect([requests('', 'few', 'GET'), requests('_5xx', 'few', 'GET'), requests('_429', 'few', 'GET')]).toEqual([
      5, 0, 3,
    ]);
    expect([requests('', '(none)', 'GET'), requests('', '(probe)', 'GET')]).toEqual([1, 1]);
    expect(now.value('http_responses_total{route="all",status_class="2xx"}')).toBe(4);
    expect(now.value('http_responses_total{route="all",status_class="4xx"}')).toBe(1);
    expect(now.value('http_request_body_bytes_total{route="all"}')).toBe(1_000);
    expect(now.value('http_response_body_bytes_total{route="all"}')).toBeGreaterThan(390);
    expect(now.value('http_request_duration_seconds_count{route="all"}')).toBe(6);
    expect(now.value('http_request_duration_seconds_bucket{route="all",le="+Inf"}')).toBe(6);
    expect(now.value('http_request_duration_seconds_sum{route="all"}')).toBeGreaterThan(0);
    expect(now.value('upstream_requests_total{upstream="demo"}')).toBe(8);
    expect(now.value('upstream_responses_total{upstream="demo",status_class="5xx"}')).toBe(1);
    expect(now.sum('rate_limit_decisions_total', { rule: 'two', outcome: 'granted' })).toBe(2);
    expect(now.sum('rate_limit_decisions_total', { rule: 'two', outcome: 'refused' })).toBe(3);
    expect(now.value('rate_limit_redis_commands_total')).toBeGreaterThanOrEqual(2);
    expect(now.value('http_connections_accepted_total')).toBe(13);
    expect(now.text).not.toContain(CLIENT);
    expect(promtoolSays(now.text)).toBe('');
  });

  test('counters do not fall when a thread dies, also with the one that takes its place', async () => {
    const before = await scrape(limited.gateway);
    expect(
      (await get(limited.port, { path: '/all/ok', headers: { 'x-gateway-test-fault': 'throw-later' } })).status,
    ).toBe(200);
    await limited.gateway.waitForLog((line) => line['msg'] === 'request thread ended');
    const now = await scraped(
      limited,
      (each) =>
        each.value('gateway_threads{state="serving"}') === 2 && each.value('gateway_threads{state="leaving"}') === 0,
    );
    expect(now.value('gateway_thread_restarts_total')).toBe(1);
    expect(now.sum('http_requests_total')).toBe(before.sum('http_requests_total') + 1);
    expect(await statuses(limited.port, 4, { path: '/all/ok' })).toEqual([200, 200, 200, 200]);
    const later = await scraped(
      limited,
      (each) => each.sum('http_requests_total') === before.sum('http_requests_total') + 5,
    );
    for (const name of [
      'http_response_body_bytes_total',
      'upstream_requests_total',
      'rate_limit_redis_commands_total',
    ]) {
      expect(later.sum(name), name).toBeGreaterThanOrEqual(before.sum(name));
    }
  });

  test('a reload: new routes at 0, old ones stay, its outcome shows', async () => {
    const before = await scrape(limited.gateway);
    await limited.reload('  - { name: new, path: /new, strip_prefix: true, methods: [GET, PUT], upstream: demo }\n');
    const now = await scrape(limited.gateway);
    expect(now.value('http_requests_total{route="new",method="PUT"}')).toBe(0);
    expect(now.value('http_requests_429_total{route="new",method="PUT"}')).toBe(0);
    expect(now.sum('http_requests_total')).toBe(before.sum('http_requests_total'));
    expect(now.value('http_requests_429_total{route="few",method="GET"}')).toBe(3);
    expect(now.value('gateway_config_version')).toBe(2);
    expect(now.value('gateway_config_last_reload_success')).toBe(1);
    const at = 'gateway_config_last_reload_timestamp_seconds';
    expect(now.value(at)).toBeGreaterThan(before.value(at) ?? Number.POSITIVE_INFINITY);

    limited.gateway.writeYaml('routes: 5');
    limited.gateway.process.kill('SIGHUP');
    const refused = await scraped(limited, (each) => each.value('gateway_config_last_reload_success') === 0);
    expect(refused.value('gateway_config_version')).toBe(2);
    expect(promtoolSays(refused.text)).toBe('');
  });

  test('an override by an operator shows', async () => {
    const set = async (change: unknown): Promise<number> => {
      const answer = await fetch(`${limited.gateway.adminUrl}/admin/breakers/demo`, {
        method: 'POST',
        headers: { ...limited.gateway.bearer, 'content-type': 'application/json' },
        body: JSON.stringify(change),
      });
      return answer.status;
    };
    const forced = 'circuit_breaker_forced{upstream="demo"}';
    const state = 'circuit_breaker_state{upstream="demo"}';
    expect(await set({ state: 'OPEN', for: 60 })).toBe(200);
    await scraped(limited, (now) => now.value(forced) === 1 && now.value(state) === 2);
    expect(await set({ state: 'CLOSED' })).toBe(200);
    await scraped(limited, (now) => now.value(forced) === 1 && now.value(state) === 1);
    expect(await set({ state: 'AUTO' })).toBe(200);
    await scraped(limited, (now) => now.value(forced) === 0);
  });

  test('GET /admin/traffic has the same totals', async () => {
    const now = await scrape(limited.gateway);
    const answer = await fetch(`${limited.gateway.adminUrl}/admin/traffic`);
    expect(await answer.json()).toMatchObject({
      requests: now.sum('http_requests_total'),
      errors5xx: now.sum('http_requests_5xx_total'),
      refused429: now.sum('http_requests_429_total'),
      bytesReceived: now.sum('http_request_body_bytes_total'),
    });
  });

  // Last: Redis does not come back to what it was.
  test('a Redis that hangs or is gone costs a scrape at most half a second', async () => {
    process.kill(redis.pid, 'SIGSTOP');
    try {
      const hanging = await scraped(limited, (each) => each.value('redis_up') === 0);
      expect(hanging.values('redis_memory_used_bytes')).toEqual([]);
      expect(hanging.values('redis_memory_max_bytes')).toEqual([]);
      expect(hanging.values('circuit_breaker_state')).toHaveLength(1);
      // The limit is 500 ms; the rest is for a machine that is busy. Redis hangs for as long as the test wants.
      expect(hanging.ms).toBeLessThan(5_000);
      expect(promtoolSays(hanging.text)).toBe('');
    } finally {
      process.kill(redis.pid, 'SIGCONT');
    }
    await scraped(limited, (each) => each.value('redis_up') === 1);
    redis.kill('SIGKILL');
    const gone = await scraped(limited, (each) => each.value('redis_up') === 0);
    expect(gone.ms).toBeLessThan(5_000);
    await redis.restart();
    const back = await scraped(limited, (each) => each.value('redis_up') === 1);
    expect(back.value('redis_memory_used_bytes')).toBeGreaterThan(100_000);
  });
});

test('without Redis there is nothing about it, and the text format is announced', async () => {
  await using limited = await startLimited();
  const response = await fetch(`${limited.gateway.adminUrl}/metrics`);
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  const text = await response.text();
  expect(text).not.toMatch(/^redis_|^rate_limit_store_up/m);
  expect(text).toContain('rate_limit_decisions_total{rule="default",mode="local",outcome="refused"} 0\n');
  expect(promtoolSays(text)).toBe('');
});
