import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { call } from '../admin/setup.ts';
import { startRedis } from '../support/redis.ts';
import type { Gateway } from '../support/gateway.ts';
import { eventually, stopwatch } from '../support/wait.ts';
import { BREAKER_KEY, startNode, startNodes, stopAll, untilSeen, untilShared } from './setup.ts';
import { get, statuses } from '../support/requests.ts';
import { scriptedUpstream } from '../support/upstreams.ts';

const upstream = await scriptedUpstream();
const redis = await startRedis(['--notify-keyspace-events', 'KEA']);
// A probe that nobody ends would hold its permit for ever: nothing here depends on the 5 s a permit lasts.
const BREAKER = '{ failure_threshold: 2, reset_timeout_seconds: 0.4, half_open_success_threshold: 2, open_factor: 3 }';
const alone = await startNode({ upstream, breaker: BREAKER, env: { WORKERS: '2' } });
const shared = await startNodes(2, { upstream, redis, breaker: BREAKER });
await Promise.all(shared.map(untilShared));

afterAll(async () => {
  await stopAll([alone, ...shared]);
  await redis[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

describe.each([
  ['one process', [alone]],
  ['two nodes', shared],
])('probes of %s', (name, nodes) => {
  const [first = alone] = nodes;
  const last = nodes.at(-1) ?? alone;

  beforeEach(async () => {
    upstream.behaviour = 200;
    upstream.release();
    if (name === 'two nodes') await redis.client.del(BREAKER_KEY);
    await untilSeen(nodes, 'passed');
    upstream.behaviour = 500;
    expect(await statuses(first, 2)).toEqual([500, 500]);
    await untilSeen(nodes, 'OPEN');
    upstream.clear();
  });

  /** Sends until the upstream holds so many probes. @returns how to take each of their clients away */
  async function fillPermits(at: Gateway, count: number): Promise<AbortController[]> {
    upstream.behaviour = 'hold';
    const held: AbortController[] = [];
    await eventually(async () => {
      const before = upstream.calls.length;
      const client = new AbortController();
      let over = false;
      void get(at.port, { path: '/proxy/probe', signal: client.signal })
        .catch(() => undefined)
        .finally(() => (over = true));
      await eventually(() => over || upstream.calls.length > before, 'refused, or let through');
      if (upstream.calls.length > before) held.push(client);
      return upstream.calls.length >= count;
    }, `${count} probes are at the upstream`);
    return held;
  }

  test('as many as successes are needed, then it closes', async () => {
    await fillPermits(first, 2);
    for (const node of [...nodes, ...nodes]) {
      const { status, headers } = await get(node.port);
      expect([status, headers['x-circuit-breaker']]).toEqual([503, 'HALF_OPEN']);
    }
    expect(upstream.calls).toHaveLength(2);
    upstream.behaviour = 200;
    upstream.release();
    await untilSeen(nodes, 'passed');
  });

  test('one whose client leaves frees its permit at once', async () => {
    const [leaves] = await fillPermits(first, 2);
    using watch = stopwatch();
    leaves?.abort();
    await fillPermits(last, 3);
    expect(watch.ms()).toBeLessThan(2_500); // not the 5 s after which a lost one lapses
    expect(upstream.inFlight).toBe(2);
    upstream.behaviour = 200;
    upstream.release();
    await untilSeen(nodes, 'passed');
  });

  test('one failure opens it again, and for longer', async () => {
    await fillPermits(first, 1);
    upstream.behaviour = 500;
    const failedMs = performance.now();
    upstream.release(500);
    await untilSeen(nodes, 'OPEN');
    upstream.behaviour = 200;
    const servedMs = await untilSeen([last], 'passed');
    // 3 times 400 ms; at most 440 without the factor
    expect(performance.now() - failedMs).toBeGreaterThan(700);
    expect(servedMs).toBeLessThan(4_000);
    await untilSeen(nodes, 'passed');
  });
});

test('half open on an idle gateway is not degraded; where somebody is refused it is', async () => {
  const status = async () => (await call(alone, 'GET /admin/status')).json;
  upstream.behaviour = 200;
  upstream.release();
  await untilSeen([alone], 'passed');
  const say = (state: string) => call(alone, 'POST /admin/breakers/api', { body: { state } });
  expect((await say('OPEN')).status).toBe(200);
  expect(await status()).toMatchObject({ verdict: 'degraded', breakers: [{ state: 'OPEN', quiet: false }] });
  expect((await say('AUTO')).status).toBe(200);
  await eventually(
    async () => JSON.stringify((await status())['breakers']).includes('"state":"HALF_OPEN"'),
    'it is half open',
  );
  expect(await status()).toMatchObject({ verdict: 'ok', reasons: [], breakers: [{ quiet: true }] });

  upstream.clear();
  upstream.behaviour = 'hold';
  const probes = [get(alone.port), get(alone.port)];
  await eventually(() => upstream.calls.length === 2, 'both probes are at the upstream');
  expect((await get(alone.port)).status).toBe(503);
  await eventually(async () => (await status())['verdict'] === 'degraded', 'it is degraded');
  upstream.behaviour = 200;
  upstream.release();
  await Promise.all(probes);
  await untilSeen([alone], 'passed');
});
