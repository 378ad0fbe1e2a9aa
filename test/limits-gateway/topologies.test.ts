import { expect, test } from 'vitest';
import { startCluster } from '../support/redis-cluster.ts';
import { startSentinel } from '../support/redis-sentinel.ts';
import { eventually } from '../support/wait.ts';
import { healthOf, NO_REFILL, PATIENT, startLimited, untilHealth } from './setup.ts';
import { statuses, tally } from '../support/requests.ts';
import { expectPrompt, startSteadyLoad } from './steady-load.ts';

const TIMEOUT_MS = 100;

test('REDIS_MODE=sentinel: a failover costs no request, and the new primary limits', async () => {
  await using sentinel = await startSentinel();
  const env = {
    REDIS_MODE: 'sentinel',
    REDIS_SENTINEL_MASTER: 'main',
    REDIS_URL: `redis://127.0.0.1:${sentinel.port}`,
    RATE_LIMIT_CAPACITY: '1000000',
    NODE_NAME: 'watched',
    WORKERS: '2',
  };
  await using limited = await startLimited({ env });
  await untilHealth(limited.port, 'ok');
  await using load = startSteadyLoad({ ports: [limited.port] });
  const normal = await load.during(500);
  expect(await sentinel.primary.client.exists('api-gateway:rate-limit:127.0.0.1')).toBe(1);
  const samples = await load.while(async () => {
    sentinel.primary.kill('SIGKILL');
    await untilHealth(limited.port, 'degraded');
    await untilHealth(limited.port, 'ok');
  });
  expectPrompt(samples, { normal, timeoutMs: TIMEOUT_MS });
  await eventually(
    async () => (await sentinel.replica.client.exists('api-gateway:rate-limit:127.0.0.1')) === 1,
    'the new primary has the bucket',
  );
  await eventually(
    async () => (await sentinel.replica.client.exists('api-gateway:node:watched')) === 1,
    'the new primary knows the node',
  );
});

test('REDIS_MODE=cluster: shared by nodes, several rules in one slot, one primary gone', async () => {
  await using cluster = await startCluster();
  const url = cluster.addresses.map(({ host, port }) => `redis://${host}:${port}`).join(',');
  const env = {
    REDIS_MODE: 'cluster',
    REDIS_URL: url,
    RATE_LIMIT_KEY: 'header-plain:client',
    ...PATIENT,
  };
  const rule = (name: string, capacity: number) =>
    `{ name: ${name}, capacity: ${capacity}, refill_per_second: ${NO_REFILL} }`;
  const routes = `  - { path: /proxy, upstream: demo, strip_prefix: true, limits: [${rule('burst', 3)}, ${rule('daily', 5)}] }\n`;
  await using one = await startLimited({ env: { ...env, NODE_NAME: 'one' }, routes });
  await using two = await startLimited({ env: { ...env, NODE_NAME: 'two', WORKERS: '2' }, routes });
  await Promise.all([one, two].map(({ port }) => untilHealth(port, 'ok')));
  for (let client = 0; client < 8; client++) {
    const ask = { headers: { client: `c${client}` } };
    const seen = [...(await statuses(one.port, 2, ask)), ...(await statuses(two.port, 4, ask))];
    expect(tally(seen)).toEqual({ 200: 3, 429: 3 });
  }
  const owned = await Promise.all(cluster.nodes.map(({ client }) => client.keys('api-gateway:rate-limit:{*}:*')));
  expect(owned.flat()).toHaveLength(16);
  expect(owned.filter((keys) => keys.length > 0).length).toBeGreaterThan(1);
  await eventually(async () => {
    const lists = cluster.nodes.map(({ client }) => client.keys('api-gateway:nodes'));
    return (await Promise.all(lists)).flat().length === 1;
  }, 'the nodes are listed');

  const [gone] = cluster.nodes;
  gone?.kill('SIGKILL');
  await untilHealth(one.port, 'degraded');
  for (let client = 0; client < 12; client++) {
    const seen = await statuses(one.port, 1, { headers: { client: `new${client}` } });
    expect(seen).toEqual([200]);
  }
  await gone?.restart();
  await untilHealth(one.port, 'ok');
  expect((await healthOf(one.port)).reasons).toBeUndefined();
});
