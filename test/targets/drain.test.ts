import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startLoad } from '../breaker-gateway/load.ts';
import { startNode, targetsOf, yamlOf } from '../health/setup.ts';
import type { Gateway } from '../support/gateway.ts';
import { startRedis } from '../support/redis.ts';
import { reloadsOf } from '../support/reload.ts';
import { get } from '../support/requests.ts';
import { scriptedUpstream } from '../support/upstreams.ts';
import type { ScriptedUpstream } from '../support/upstreams.ts';
import { quietFor, until } from '../support/wait.ts';
import { sure } from './threads.ts';

/** An operator takes a target out of use for a while, by the command, on all nodes. */

const CLI = resolve(import.meta.dirname, '../../dist/src/cli/main.js');
const KEY = 'api-gateway:target-drains';
let targets: ScriptedUpstream[];
beforeEach(async () => {
  targets = await Promise.all(Array.from({ length: 3 }, () => scriptedUpstream()));
});
afterEach(() => Promise.all(targets.map((each) => each[Symbol.asyncDispose]())));

const at = (n: number): ScriptedUpstream => sure(targets[n]);
const urls = (): string[] => targets.map(({ url }) => url);

/** The gateway command, as an operator types it. */
async function gateway({ adminUrl, stateDir }: Gateway, ...args: readonly string[]) {
  const env = { PATH: process.env['PATH'] ?? '', STATE_DIR: stateDir };
  const run = promisify(execFile)(process.execPath, [CLI, ...args, '--url', adminUrl], { env });
  return run.then(
    ({ stdout, stderr }) => ({ stdout, stderr, code: 0 }),
    (error: { stdout: string; stderr: string; code: number }) => error,
  );
}

const usedBy = async (node: Gateway): Promise<readonly boolean[]> =>
  (await targetsOf(node)).targets.map(({ used }) => used);
const untilUsed = (node: Gateway, wanted: readonly boolean[]): Promise<number> =>
  until(async () => JSON.stringify(await usedBy(node)) === JSON.stringify(wanted), { describe: () => wanted });

test('without a Redis it holds on the node, for its time, and no request is lost', async () => {
  await using node = await startNode({ targets: urls(), env: { WORKERS: '2' } });
  const load = startLoad([node.port], 150);
  await until(() => targets.every(({ calls }) => calls.length > 10));
  const drained = await gateway(node, 'targets', 'drain', 'api', at(1).url, '--for', '3s');
  expect([drained.code, drained.stderr]).toEqual([0, expect.stringContaining('for this node only')]);
  expect(drained.stdout).toMatch(/drained by hand, 3 s left/);
  await until(() => at(1).inFlight === 0);
  await quietFor(100, 'both threads have heard of it');
  at(1).clear();
  const before = at(0).calls.length;
  await until(() => at(0).calls.length > before + 50);
  expect([await usedBy(node), at(1).calls.length]).toEqual([[true, false, true], 0]);
  await untilUsed(node, [true, true, true]);
  await until(() => at(1).calls.length > 10);
  await load.stop();
  expect([...load.seen.keys()]).toEqual([200]);
});

test('up takes it back; it outlasts a reload; panic is not what follows', async () => {
  await using node = await startNode({ targets: urls() });
  for (const n of [0, 1]) expect((await gateway(node, 'targets', 'drain', 'api', at(n).url)).code).toBe(0);
  expect(await usedBy(node)).toEqual([false, false, true]);
  expect((await get(node.adminPort, '/metrics')).body).toContain('\nupstream_panic{upstream="api"} 0\n');
  const reload = reloadsOf(node);
  await reload(yamlOf({ targets: urls(), more: 'queue: 5' })); // other pools
  for (let i = 0; i < 10; i++) await get(node.port);
  expect([at(0).calls.length, at(1).calls.length, at(2).calls.length]).toEqual([0, 0, 10]);
  const up = await gateway(node, 'targets', 'up', 'api', at(0).url);
  expect([up.code, await usedBy(node)]).toEqual([0, [true, false, true]]);
  await until(async () => {
    await get(node.port);
    return at(0).calls.length > 0;
  });
  const { drained } = sure((await targetsOf(node)).targets[1]);
  expect(drained).toMatchObject({ by: expect.stringMatching(/^token 127\.0\.0\.1$/) });
});

test('what cannot be: the last one, one that is not there', async () => {
  await using node = await startNode({ targets: urls().slice(0, 2) });
  expect((await gateway(node, 'targets', 'drain', 'api', at(0).url)).code).toBe(0);
  const last = await gateway(node, 'targets', 'drain', 'api', at(1).url);
  expect([last.code === 0, last.stderr]).toEqual([false, expect.stringContaining('is the last target of api')]);
  const none = await gateway(node, 'targets', 'drain', 'api', 'http://nobody');
  expect([none.code === 0, none.stderr]).toEqual([false, expect.stringContaining('no such target')]);
  const unknown = await gateway(node, 'targets', 'drain', 'nobody', at(1).url);
  expect([unknown.code === 0, unknown.stderr]).toEqual([false, expect.stringContaining('no such upstream')]);
});

test('with a Redis it holds on every node within a second, also on one that comes later, and an audit line says who', async () => {
  await using redis = await startRedis();
  await using one = await startNode({ targets: urls(), redis, env: { NODE_NAME: 'one' } });
  await using two = await startNode({ targets: urls(), redis, env: { NODE_NAME: 'two' } });
  await until(async () => (await gateway(one, 'nodes')).stdout.includes('two'));
  const drained = await gateway(one, 'targets', 'drain', 'api', at(1).url, '--for', '10m');
  expect([drained.code, drained.stderr]).toEqual([0, '']);
  await untilUsed(two, [true, false, true]);
  for (let i = 0; i < 12; i++) await get(two.port);
  expect(at(1).calls.length).toBe(0);
  await using three = await startNode({ targets: urls(), redis, env: { NODE_NAME: 'three' } });
  await untilUsed(three, [true, false, true]);
  const audited = await one.waitForLog((line) => line['audit'] === true);
  expect(audited).toMatchObject({ operation: 'changeTarget', status: 200, path: '/admin/targets/api' });
  expect(await redis.client.hkeys(KEY)).toContain(`api ${at(1).url}`);
  expect(await redis.client.pttl(KEY)).toBeGreaterThan(0);
  expect((await gateway(two, 'targets', 'up', 'api', at(1).url)).code).toBe(0);
  for (const node of [one, three]) await untilUsed(node, [true, true, true]);
});

test('a word that no event tells of is read, and deleting the hash takes all back', async () => {
  await using redis = await startRedis();
  await using node = await startNode({ targets: urls(), redis });
  await until(async () => (await redis.client.pubsub('NUMSUB', 'api-gateway:events'))[1] === 1);
  const until1h = Date.now() + 3_600_000;
  const value = JSON.stringify({ state: 'DRAINED', until: until1h, by: 'an edit by hand' });
  await redis.client.hset(KEY, `api ${at(2).url}`, value, 'api http://nobody', value, 'nonsense', '{');
  await untilUsed(node, [true, true, false]);
  expect(sure((await targetsOf(node)).targets[2]).drained?.by).toBe('an edit by hand');
  await redis.client.del(KEY);
  await untilUsed(node, [true, true, true]);
});
