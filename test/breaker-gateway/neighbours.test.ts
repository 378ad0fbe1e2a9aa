import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { startRedis } from '../support/redis.ts';
import { get } from '../support/requests.ts';
import { scriptedUpstream } from '../support/upstreams.ts';
import { eventually } from '../support/wait.ts';
import { BREAKER_KEY, startNode, stopAll, untilShared } from './setup.ts';

const GOOD = '192.0.2.1';
const BAD = '203.0.113.66';

const upstream = await scriptedUpstream();
upstream.onPath.set('/proxy/fail', 500);
const redis = await startRedis();
// The breaker as it comes; the test's own address is that of a proxy, so that clients are told apart.
const env = { TRUSTED_PROXIES: '127.0.0.1', WORKERS: '2' };
const [alone, first, second] = await Promise.all([
  startNode({ upstream, env }),
  startNode({ upstream, redis, env }),
  startNode({ upstream, redis, env }),
]);
await Promise.all([first, second].map(untilShared));

afterAll(async () => {
  await stopAll([alone, first, second]);
  await redis[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

interface OnPort {
  readonly port: number;
}

const statusFor = async ({ port }: OnPort, client: string, path: string): Promise<number> =>
  (await get(port, { path: `/proxy${path}`, headers: { 'x-forwarded-for': client } })).status;

async function statusesFor(node: OnPort, [client, path]: readonly [string, string], count: number): Promise<number[]> {
  const seen: number[] = [];
  for (let i = 0; i < count; i++) seen.push(await statusFor(node, client, path));
  return seen;
}

describe.each([
  { name: 'one node', nodes: [alone, alone] as const },
  { name: 'two nodes on one Redis, each client on its own', nodes: [first, second] as const },
])('one client that gets 500s: $name', ({ nodes: [bads, goods] }) => {
  beforeEach(async () => {
    await redis.client.del(BREAKER_KEY);
    // As one node has no Redis to be reset by: what an earlier test opened ends by the good client's successes.
    await eventually(async () => (await statusFor(goods, GOOD, '/ok')) === 200, 'the good client is served');
  });

  test('its neighbour is served, twelve failures at a time beside it', async () => {
    let bad = 0;
    for (let round = 0; round < 5; round++) {
      const both = await Promise.all([
        Promise.all(Array.from({ length: 12 }, () => statusFor(bads, BAD, '/fail'))),
        statusesFor(goods, [GOOD, '/ok'], 30),
      ]);
      bad += both[0].filter((status) => status === 500).length;
      expect(both[1]).toEqual(Array(30).fill(200));
    }
    expect(bad).toBeGreaterThan(0);
  });

  test('who comes later, while it is open for that client, is served too', async () => {
    await statusesFor(bads, [BAD, '/fail'], 60);
    expect(await statusesFor(goods, ['198.51.100.7', '/ok'], 20)).toEqual(Array(20).fill(200));
    expect(await statusesFor(bads, ['198.51.100.8', '/ok'], 20)).toEqual(Array(20).fill(200));
  });
});

test('several clients that get nothing but 500s open it for all, on every node', async () => {
  const clients = ['203.0.113.1', '203.0.113.2', '203.0.113.3'];
  upstream.behaviour = 500;
  upstream.onPath.delete('/proxy/fail');
  try {
    await redis.client.del(BREAKER_KEY);
    await eventually(
      async () => {
        for (const client of clients) await statusFor(first, client, '/x');
        return (await redis.client.hget(BREAKER_KEY, 'api')) === 'OPEN';
      },
      'it is open',
      30_000,
    );
    await eventually(async () => (await statusFor(second, '198.51.100.9', '/x')) === 503, 'for all, everywhere');
    expect(await redis.client.hget(BREAKER_KEY, 'api:narrow')).toBeNull();
  } finally {
    upstream.behaviour = 200;
    upstream.onPath.set('/proxy/fail', 500);
  }
});
