import { expect, test } from 'vitest';
import type { Gateway } from '../support/gateway.ts';
import { startRedis } from '../support/redis.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { eventually } from '../support/wait.ts';
import { healthOf, startLimited, untilHealth } from '../limits-gateway/setup.ts';
import { scrape } from '../metrics/scrape.ts';

/** Found within: the question every second, the wait for its answer, and the ways in between. */
const FOUND_MS = 8_000;
const CONNECTIONS = ['nodes', 'breakers', 'events', 'metrics'];

const statusOf = async ({ adminUrl }: Gateway) =>
  (await (await fetch(`${adminUrl}/admin/status`)).json()) as {
    verdict: string;
    reasons: string[];
    redis: { state: string; reason: string };
  };

async function connectionsUp({ adminUrl }: Gateway): Promise<string[]> {
  const found = await scrape({ adminUrl });
  return Object.keys(found.by('redis_connection_up', ['connection'])).sort();
}

test('a Redis whose host vanishes without a FIN: every connection is made anew within seconds, idle ones too', async () => {
  await using redis = await startRedis();
  await using proxy = await startTcpProxy(redis.port);
  await using limited = await startLimited({ redis: proxy, env: { NODE_NAME: 'one' } });
  await untilHealth(limited.port, 'ok');
  proxy.strand();
  expect(proxy.stranded()).toBeGreaterThanOrEqual(CONNECTIONS.length + 1);
  await eventually(() => proxy.stranded() === 0, 'every connection has been given up', FOUND_MS);
  await untilHealth(limited.port, 'ok');
  expect(await connectionsUp(limited.gateway)).toEqual(CONNECTIONS.toSorted());
  // Another node's word arrives, and the node list is the cluster's.
  await redis.client.zadd('api-gateway:nodes', Date.now(), 'other');
  const names = async (): Promise<string> => {
    const answer = await fetch(`${limited.gateway.adminUrl}/admin/nodes`);
    const { scope, nodes } = (await answer.json()) as { scope: string; nodes: { name: string }[] };
    return [scope, ...nodes.map(({ name }) => name)].join(' ');
  };
  await eventually(async () => (await names()) === 'cluster one other', 'the node list is read again', FOUND_MS);
});

test('while packets are dropped, health, status and metrics tell of each connection', async () => {
  await using redis = await startRedis();
  await using proxy = await startTcpProxy(redis.port);
  await using limited = await startLimited({ redis: proxy });
  await untilHealth(limited.port, 'ok');
  proxy.stall();
  const told = async (): Promise<boolean> => {
    const { reasons = [] } = await healthOf(limited.port);
    return ['circuit breakers', 'node list', 'events of', 'metrics of', 'rate limits'].every((what) =>
      reasons.some((reason) => reason.startsWith(what)),
    );
  };
  await eventually(told, '/health names each connection', 2 * FOUND_MS);
  const status = await statusOf(limited.gateway);
  expect([status.verdict, status.redis.state]).toEqual(['degraded', 'down']);
  expect(status.redis.reason).toMatch(/node list.*events of other nodes.*metrics of Redis.*rate limits/);
  expect(await connectionsUp(limited.gateway)).toEqual([]);
  proxy.mend();
  await untilHealth(limited.port, 'ok');
  await eventually(async () => (await connectionsUp(limited.gateway)).length === CONNECTIONS.length, 'all are back');
});

test('a Redis that accepts and says nothing from the start: nothing waits for it for ever', async () => {
  await using redis = await startRedis();
  await using proxy = await startTcpProxy(redis.port);
  proxy.stall();
  await using limited = await startLimited({ redis: proxy });
  await eventually(() => {
    proxy.strand();
    return proxy.stranded() >= CONNECTIONS.length;
  }, 'every connection is made');
  await eventually(() => proxy.stranded() === 0, 'each handshake is given up', FOUND_MS);
  expect((await healthOf(limited.port)).status).toBe('degraded');
  proxy.mend();
  await untilHealth(limited.port, 'ok');
});

test('a Redis with INFO renamed away shares limits, breakers and nodes', async () => {
  await using redis = await startRedis(['--rename-command', 'INFO', '']);
  await using limited = await startLimited({ redis });
  await untilHealth(limited.port, 'ok');
  expect(await connectionsUp(limited.gateway)).toEqual(CONNECTIONS.toSorted());
  const { samples } = await scrape(limited.gateway);
  expect(samples.get('redis_up')).toBe(1);
});
