import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { HEALTH_KEY } from '../../src/shared/redis/keys.ts';
import { startLoad } from '../breaker-gateway/load.ts';
import type { Gateway } from '../support/gateway.ts';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { get } from '../support/requests.ts';
import { scriptedUpstream } from '../support/upstreams.ts';
import type { ScriptedUpstream } from '../support/upstreams.ts';
import { quietFor, until } from '../support/wait.ts';
import { startNode, targetsOf, untilSeen, yamlOf } from './setup.ts';

/** The sweep as a job of the nodes themselves. */

const INTERVAL_MS = 2_000;
const HEALTH = '{ path: /health, interval_seconds: 2, timeout_seconds: 2, healthy: 1, unhealthy: 1 }';

let redis: TestRedis;
let targets: ScriptedUpstream[];
let nodes: Gateway[];
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis[Symbol.asyncDispose]());
beforeEach(async () => {
  await redis.client.flushall();
  targets = await Promise.all([scriptedUpstream(), scriptedUpstream()]);
  nodes = [];
});
afterEach(async () => {
  await Promise.all(nodes.map((each) => each[Symbol.asyncDispose]()));
  await Promise.all(targets.map((each) => each[Symbol.asyncDispose]()));
});

async function start(count: number): Promise<void> {
  for (let i = 1; i <= count; i++) {
    const options = { targets: targets.map(({ url }) => url), health: HEALTH, redis, env: { NODE_NAME: `node-${i}` } };
    nodes.push(await startNode(options));
  }
}

const lastSweep = async (): Promise<{ readonly slot: string; readonly by: string }> =>
  JSON.parse((await redis.client.hget(HEALTH_KEY, '#sweep')) ?? '{"slot":"","by":""}') as { slot: string; by: string };

const isShared = async (node: Gateway): Promise<boolean> =>
  (await targetsOf(node)).targets.every(({ scope, state }) => scope === 'cluster' && state !== 'unknown');

/** The node that is in the middle of a sweep. */
async function sweeper(): Promise<Gateway> {
  const [asked] = nodes;
  if (asked === undefined) throw new Error('there are three');
  let found = '';
  await until(async () => {
    const { body } = await get(asked.adminPort, '/admin/jobs/health-probes');
    const { runs } = JSON.parse(body) as { runs: { state: string; node: string }[] };
    found = runs.find(({ state }) => state === 'running')?.node ?? '';
    return found !== '' && targets[0]?.inFlight === 1;
  });
  const node = nodes[Number(found.slice(-1)) - 1];
  if (node === undefined) throw new Error(`nobody is ${found}`);
  return node;
}

test('a node is killed in its sweep: the next one comes within two intervals, and no client of others notices', async () => {
  await start(3);
  for (const node of nodes) await until(() => isShared(node));
  targets[0]?.onPath.set('/health', 'hold');
  const killed = await sweeper();
  const others = nodes.filter((node) => node !== killed);
  const load = startLoad(
    others.map(({ port }) => port),
    100,
  );
  const { slot } = await lastSweep();
  killed.process.kill('SIGKILL');
  targets[0]?.onPath.delete('/health');
  targets[1]?.onPath.set('/health', 503);
  const tookMs = await until(async () => (await lastSweep()).slot > slot);
  expect(tookMs).toBeLessThan(2 * INTERVAL_MS + 500); // and what the sweep takes
  for (const node of others) await untilSeen(node, ['up, used', 'down, not used'], 2 * INTERVAL_MS);
  await load.stop();
  expect([...load.seen.keys()]).toEqual([200]);
});

test('however many nodes there are, a target is probed once a slot', async () => {
  await start(3);
  for (const node of nodes) await until(() => isShared(node));
  const [target] = targets;
  if (target === undefined) throw new Error('there are two');
  target.clear();
  const slots = new Set<string>();
  const first = (await lastSweep()).slot;
  await until(async () => {
    slots.add((await lastSweep()).slot);
    return slots.size >= 6;
  });
  slots.delete(first);
  // One may be under way at either end.
  expect(Math.abs(target.calls.length - slots.size)).toBeLessThanOrEqual(1);
});

test('FLUSHDB and a restart of Redis end no sweeps', async () => {
  await start(2);
  for (const node of nodes) await until(() => isShared(node));
  await redis.client.flushdb();
  targets[1]?.onPath.set('/health', 503);
  for (const node of nodes) await untilSeen(node, ['up, used', 'down, not used']);
  await redis.restart();
  targets[1]?.onPath.delete('/health');
  for (const node of nodes) await untilSeen(node, ['up, used', 'up, used']);
});

test('a process for jobs alone probes nobody: its route is not that of the clients', async () => {
  const [target] = targets;
  if (target === undefined) throw new Error('there are two');
  const options = { targets: [target.url], health: HEALTH, redis, env: { JOBS: 'only' } };
  await using only = await startNode(options);
  const { body } = await get(only.adminPort, '/admin/jobs');
  expect((JSON.parse(body) as { jobs: { name: string }[] }).jobs.map(({ name }) => name)).not.toContain(
    'health-probes',
  );
  await quietFor(1_500, 'there must be no probes');
  expect(target.calls).toEqual([]);
});

test('a node that gets its first probes by a reload takes its turn at once, with the jobs it had', async () => {
  const urls = targets.map(({ url }) => url);
  const node = await startNode({ targets: urls, redis });
  nodes.push(node);
  const jobs = async () => JSON.parse((await get(node.adminPort, '/admin/jobs')).body) as { jobs: { name: string }[] };
  expect((await jobs()).jobs).toEqual([]);
  targets[1]?.onPath.set('/health', 503);
  node.writeYaml(yamlOf({ targets: urls, health: HEALTH }));
  node.process.kill('SIGHUP');
  await until(async () => (await lastSweep()).by !== '');
  expect(await jobs()).toMatchObject({ scope: 'cluster', jobs: [{ name: 'health-probes', ability: 'able' }] });
  await until(() => isShared(node));
  await untilSeen(node, ['up, used', 'down, not used']);
  expect(await node.stop()).toBe(0);
});
