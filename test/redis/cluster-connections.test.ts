import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EVENTS_CHANNEL } from '../../src/shared/redis/keys.ts';
import { healthOf, startLimited, untilHealth } from '../limits-gateway/setup.ts';
import type { Limited } from '../limits-gateway/setup.ts';
import { scrape } from '../metrics/scrape.ts';
import { startCluster } from '../support/redis-cluster.ts';
import type { TestCluster } from '../support/redis-cluster.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import type { TcpProxy } from '../support/tcp-proxy.ts';
import { eventually } from '../support/wait.ts';

/** One on which nothing is sent is asked every few seconds only, and its answer waited for. */
const QUIET_FOUND_MS = 90_000;
const CONNECTIONS = ['breakers', 'events', 'metrics', 'nodes'];

const startBeside = (places: readonly { readonly port: number }[]): Promise<Limited> =>
  startLimited({
    env: {
      REDIS_MODE: 'cluster',
      REDIS_URL: `redis://${places.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
      NODE_NAME: 'one',
      WORKERS: '1',
    },
  });

async function connectionsUp({ gateway }: Limited): Promise<string[]> {
  return Object.keys((await scrape(gateway)).by('redis_connection_up', ['connection'])).toSorted();
}

/** Who listens to what nodes tell each other. */
async function listeners({ nodes }: TestCluster): Promise<number> {
  const counts = await Promise.all(nodes.map(({ client }) => client.call('PUBSUB', 'NUMSUB', EVENTS_CHANNEL)));
  return counts.reduce((sum: number, each) => sum + (each as [string, number])[1], 0);
}

test('INFO renamed away in a cluster: events of other nodes come all the same', async () => {
  await using cluster = await startCluster(['--rename-command', 'INFO', '']);
  await using limited = await startBeside(cluster.addresses);
  await untilHealth(limited.port, 'ok');
  await eventually(async () => (await listeners(cluster)) === 1, 'it listens');
  expect(await connectionsUp(limited)).toEqual(CONNECTIONS);
});

describe('the connections to a Redis Cluster', () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await startCluster();
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  test('INFO forbidden by an ACL: limits, breakers, events and node list are shared', async () => {
    for (const { client } of cluster.nodes) await client.call('ACL', 'SETUSER', 'default', '-info');
    try {
      await using limited = await startBeside(cluster.addresses);
      await untilHealth(limited.port, 'ok');
      await eventually(async () => (await listeners(cluster)) === 1, 'it listens');
      expect(await connectionsUp(limited)).toEqual(CONNECTIONS);
      const { samples } = await scrape(limited.gateway);
      expect([...samples].filter(([series]) => series.startsWith('redis_up{')).map(([, up]) => up)).toEqual([1, 1, 1]);
      expect((await healthOf(limited.port)).status).toBe('ok');
      expect(limited.gateway.stderr()).toBe('');
    } finally {
      for (const { client } of cluster.nodes) await client.call('ACL', 'SETUSER', 'default', '+info');
    }
  });

  test('hosts that vanish without a FIN: every connection is made anew, also the one that only listens', async () => {
    const proxies: TcpProxy[] = [];
    for (const { client, port } of cluster.nodes) {
      const proxy = await startTcpProxy(port);
      proxies.push(proxy);
      await client.config('SET', 'cluster-announce-port', proxy.port);
    }
    try {
      const ports = proxies.map(({ port }) => port);
      for (const { client } of cluster.nodes) {
        await eventually(async () => {
          const slots = (await client.call('CLUSTER', 'SLOTS')) as [number, number, [string, number]][];
          return slots.length === 3 && slots.every(([, , [, port]]) => ports.includes(port));
        }, 'every node names the ways around');
      }
      await using limited = await startBeside(proxies);
      await untilHealth(limited.port, 'ok');
      await eventually(async () => (await listeners(cluster)) === 1, 'it listens');
      const stranded = (): number => proxies.reduce((sum, proxy) => sum + proxy.stranded(), 0);
      // Only the one that listens, as where a firewall forgets a connection on which nothing goes.
      for (const proxy of proxies) proxy.strand((sent) => /subscribe/i.test(sent));
      expect(stranded()).toBe(1);
      await eventually(() => stranded() === 0, 'the one that listens has been given up', QUIET_FOUND_MS);
      await eventually(async () => (await listeners(cluster)) === 1, 'it listens on a new one');
      for (const proxy of proxies) proxy.strand();
      expect(stranded()).toBeGreaterThanOrEqual(CONNECTIONS.length + 1);
      await eventually(() => stranded() === 0, 'every connection has been given up');
      await untilHealth(limited.port, 'ok');
      expect(await connectionsUp(limited)).toEqual(CONNECTIONS);
      await eventually(async () => (await listeners(cluster)) === 1, 'it listens again');
      const breakers = await fetch(`${limited.gateway.adminUrl}/admin/breakers`);
      expect(((await breakers.json()) as { scope: string }).scope).toBe('cluster');
    } finally {
      for (const { client } of cluster.nodes) await client.config('SET', 'cluster-announce-port', 0);
      for (const proxy of proxies) await proxy[Symbol.asyncDispose]();
    }
  });
});
