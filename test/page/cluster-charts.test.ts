import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PageAnswer } from '../../src/shared/admin/page.ts';
import { HISTORIES_KEY, historyKey } from '../../src/shared/redis/keys.ts';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { get } from '../support/requests.ts';
import { eventually } from '../support/wait.ts';

let redis: TestRedis;
let one: Gateway;
let two: Gateway;

const start = (NODE_NAME: string): Promise<Gateway> =>
  startGateway({
    env: {
      NODE_NAME,
      REDIS_URL: `redis://127.0.0.1:${redis.port}`,
      UPSTREAM_URL: 'http://127.0.0.1:1',
      ACCESS_LOG: 'off',
    },
  });

beforeAll(async () => {
  redis = await startRedis();
  [one, two] = await Promise.all([start('one'), start('two')]);
});
afterAll(async () => {
  await one[Symbol.asyncDispose]();
  await two[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
});

const history = async ({ adminPort }: Gateway, query = ''): Promise<PageAnswer['history']> =>
  (JSON.parse((await get(adminPort, `/admin/page?minutes=15${query}`)).body) as PageAnswer).history;

/** How many requests a chart shows. */
const requestsIn = ({ requests, stepSeconds }: PageAnswer['history']): number =>
  Math.round(requests.reduce<number>((sum, rate) => sum + (rate ?? 0) * stepSeconds, 0));

async function ask({ port }: Gateway, times: number): Promise<void> {
  for (let i = 0; i < times; i++) await get(port, '/health');
}

test('the charts of any node are of all nodes, and of one alone where that is asked', async () => {
  // What a node counted before its first whole step stands for all of that step.
  const known = async (of: Gateway): Promise<number> =>
    (await history(of)).requests.filter((value) => value !== null).length;
  await eventually(async () => (await known(one)) > 2 && (await known(two)) > 2, 'each has counted for a while');
  await ask(one, 40);
  await ask(two, 70);
  for (const seen of [one, two]) {
    await eventually(async () => requestsIn(await history(seen)) === 110, 'both are counted');
    const { scope, of, nodes, p99 } = await history(seen);
    expect({ scope, of, nodes }).toEqual({ scope: 'cluster', of: null, nodes: ['one', 'two'] });
    expect(p99.some((value) => value !== null && value > 0)).toBe(true);
    const alone = await history(seen, '&node=two');
    expect([alone.of, requestsIn(alone)]).toEqual(['two', 70]);
    expect(requestsIn(await history(seen, '&node=one'))).toBe(40);
  }
});

test('what was counted outlives the process that did, and a Redis that has lost it gets it again', async () => {
  await two.stop('SIGKILL');
  await redis.client.del(HISTORIES_KEY, historyKey('one'));
  await eventually(async () => requestsIn(await history(one)) === 40, 'what is lost is lost');
  two = await start('two');
  await eventually(async () => (await history(two)).nodes.length === 2, 'both are known');
  await eventually(async () => requestsIn(await history(two)) === 110, 'and all that they have counted');
});

test('anything that somebody writes there is nothing', async () => {
  await redis.client.hset(historyKey('evil'), { now: '{', '1:3': 'x'.repeat(100_000), '1:4': '1 2 3' });
  await redis.client.set(historyKey('other'), 'a text');
  await redis.client.zadd(HISTORIES_KEY, Date.now(), 'evil', Date.now(), 'other');
  const { scope, nodes } = await history(one);
  expect([scope, nodes]).toEqual(['cluster', ['evil', 'one', 'other', 'two']]);
  expect(requestsIn(await history(one, '&node=evil'))).toBe(0);
  await redis.client.zrem(HISTORIES_KEY, 'evil', 'other');
});

test('without Redis the charts are of this node alone, and say why', async () => {
  redis.kill('SIGKILL');
  await ask(one, 5);
  await eventually(async () => (await history(one)).scope === 'node', 'it is known to be away');
  const { reason, nodes } = await history(one);
  expect([reason, nodes]).toEqual(['Redis does not answer', ['one']]);
  await eventually(async () => requestsIn(await history(one)) === 45, 'its own go on');
});
