import { afterAll, describe, expect, test } from 'vitest';
import { startRedis } from '../support/redis.ts';
import type { Gateway } from '../support/gateway.ts';
import { eventually } from '../support/wait.ts';
import { BREAKER_KEY, startNodes, stopAll, untilSeen, untilShared } from './setup.ts';
import { get, statuses } from '../support/requests.ts';
import { scriptedUpstream } from '../support/upstreams.ts';

const upstream = await scriptedUpstream();
const redis = await startRedis();
const nodes = await startNodes(3, {
  upstream,
  redis,
  breaker: '{ failure_threshold: 3, reset_timeout_seconds: 60, min_nodes: 2 }',
});
afterAll(async () => {
  await stopAll(nodes);
  await redis[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

const [broken, other, third] = nodes;
if (broken === undefined || other === undefined || third === undefined) throw new Error('unreachable');

interface Status {
  readonly liveNodes: number;
  readonly breakers: readonly { readonly state: string; readonly scope: string }[];
}
const statusOf = async (node: Gateway): Promise<Status> =>
  JSON.parse((await get(node.adminPort, '/admin/status')).body) as Status;

describe('min_nodes: 2 of three', () => {
  test('a node that alone sees failures refuses alone; a second one opens it for all; DEL ends both', async () => {
    await Promise.all(nodes.map(untilShared));
    await eventually(
      async () => (await Promise.all(nodes.map(statusOf))).every(({ liveNodes }) => liveNodes === 3),
      '3',
    );
    upstream.behaviour = 500;
    expect(await statuses(broken, 4)).toEqual([500, 500, 500, 503]);
    upstream.behaviour = 200;
    for (const node of [other, third]) expect(await statuses(node, 3)).toEqual([200, 200, 200]);
    await eventually(async () => (await statusOf(broken)).breakers[0]?.scope === 'isolated', 'it refuses alone');
    expect((await statusOf(broken)).breakers).toMatchObject([{ state: 'OPEN', scope: 'isolated' }]);
    expect((await statusOf(other)).breakers).toMatchObject([{ state: 'CLOSED', scope: 'cluster' }]);

    await redis.client.del(BREAKER_KEY);
    await untilSeen(nodes, 'passed');

    upstream.behaviour = 500;
    await statuses(broken, 2);
    await statuses(other, 2);
    expect(await untilSeen(nodes, 'OPEN')).toBeLessThan(2_500);
    expect(await redis.client.hget(BREAKER_KEY, 'api')).toBe('OPEN');
    upstream.behaviour = 200;
    await redis.client.del(BREAKER_KEY);
    expect(await untilSeen(nodes, 'passed')).toBeLessThan(2_500);
  });
});
