import { expect, it } from 'vitest';
import { startRedis } from '../support/redis.ts';
import { eventually, stopwatch } from '../support/wait.ts';
import { call, everyCall, readEvents, startAdmin } from './setup.ts';

interface Nodes {
  readonly scope: string;
  readonly nodes: readonly { readonly name: string; readonly self: boolean; readonly lastBeatMsAgo: number }[];
}

it('nodes and Redis, while it is there and while it is not', async () => {
  await using redis = await startRedis();
  const env = { REDIS_URL: `redis://127.0.0.1:${redis.port}` };
  await using one = await startAdmin({ ...env, NODE_NAME: 'one' });
  await using _two = await startAdmin({ ...env, NODE_NAME: 'two' });
  using reader = await readEvents(one.gateway);
  const nodes = async (): Promise<Nodes> => (await call(one.gateway, 'GET /admin/nodes')).json as unknown as Nodes;
  const status = async () => (await call(one.gateway, 'GET /admin/status')).json;
  await eventually(async () => (await nodes()).nodes.length === 2, 'each knows the other');
  await eventually(async () => (await status())['liveNodes'] === 2, 'it is counted');
  await eventually(async () => (await status())['verdict'] === 'ok', 'all is well');
  const known = await nodes();
  expect(known).toMatchObject({
    scope: 'cluster',
    nodes: [
      { name: 'one', self: true, address: expect.stringMatching(`:${one.port}$`) },
      { name: 'two', self: false, address: expect.stringMatching(/:\d+$/), version: expect.stringMatching(/^\d/) },
    ],
  });
  for (const { lastBeatMsAgo } of known.nodes) expect(lastBeatMsAgo).toBeLessThan(5_000);
  expect(await status()).toMatchObject({ liveNodes: 2, redis: { configured: true, state: 'up', reason: '' } });
  await reader.when(({ type, message }) => type === 'nodes' && message === '2 live nodes');

  // What others wrote where a node says who it is does no harm.
  await redis.client.zadd('api-gateway:nodes', String(Date.now() + 4_000), 'garbage');
  await redis.client.set('api-gateway:node:garbage', '{"threads":"many"');
  expect((await nodes()).nodes).toContainEqual(
    expect.objectContaining({ name: 'garbage', version: '', threads: 0, lastBeatMsAgo: 0 }),
  );
  await redis.client.zrem('api-gateway:nodes', 'garbage');
  await nodes();

  redis.kill('SIGSTOP'); // connected, and silent: nothing may wait for it
  using watch = stopwatch();
  expect(await nodes()).toMatchObject({ scope: 'node', nodes: [{ name: 'one' }, { name: 'two' }] });
  expect(watch.ms()).toBeLessThan(5_000);
  redis.kill('SIGCONT');
  redis.kill('SIGKILL');
  await reader.when(({ type }) => type === 'breaker-store');
  await reader.when(({ type }) => type === 'limits-store');
  await eventually(async () => {
    const { redis: state, verdict } = (await status()) as { redis: { state: string }; verdict: string };
    return state.state === 'down' && verdict === 'degraded';
  }, 'the status says so');
  expect(await nodes()).toMatchObject({ scope: 'node', nodes: [{ name: 'one' }, { name: 'two' }] });
  for (const target of await everyCall(one.gateway)) {
    if (!target.startsWith('GET ')) continue;
    const { status: code } = await call(one.gateway, target, { headers: { accept: 'application/json' } });
    expect([target, code < 500 || code === 503]).toEqual([target, true]);
  }

  await redis.restart();
  await eventually(async () => (await status())['verdict'] === 'ok', 'all is well again');
  await eventually(async () => (await nodes()).scope === 'cluster', 'the nodes are asked again');
});
