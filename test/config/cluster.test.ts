import { expect, test } from 'vitest';
import { startCluster } from '../support/redis-cluster.ts';
import { eventually } from '../support/wait.ts';
import { history, push, rollback, serves, startNode, yamlOf } from './setup.ts';

test('in a Redis Cluster', async () => {
  await using cluster = await startCluster();
  const env = {
    REDIS_MODE: 'cluster',
    REDIS_URL: cluster.addresses.map(({ host, port }) => `redis://${host}:${port}`).join(),
  };
  const redis = { port: 0 };
  await using one = await startNode('one', redis, env);
  await using two = await startNode('two', redis, env);
  await eventually(async () => (await history(one)).nodes.length === 2, 'both follow');
  await push(one, yamlOf('a'));
  await eventually(() => serves(two, 'a'), '/a is served');
  await push(two, yamlOf('b'));
  expect(await rollback(one)).toMatchObject({ version: 3 });
  await eventually(() => serves(two, 'a'), '/a is served again');
});
