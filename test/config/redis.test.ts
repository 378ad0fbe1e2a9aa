import { expect, test } from 'vitest';
import { freePort } from '../support/ports.ts';
import { startRedis } from '../support/redis.ts';
import { call } from '../admin/setup.ts';
import { eventually } from '../support/wait.ts';
import { history, KEY, metric, push, rollback, serves, SIGNING_KEY, startNode, tryPush, yamlOf } from './setup.ts';
import type { Gateway } from '../support/gateway.ts';

const untilServes = (gateway: Gateway, name: string, withinMs?: number): Promise<number> =>
  eventually(() => serves(gateway, name), `/${name} is served`, withinMs);
const untilNodes = (gateway: Gateway, count: number): Promise<number> =>
  eventually(async () => (await history(gateway)).nodes.length === count, `${count} nodes follow`);

test('a version is on all nodes within a second, and on a new one before it serves; going back is as quick', async () => {
  await using redis = await startRedis();
  await using one = await startNode('one', redis);
  await using two = await startNode('two', redis);
  await untilNodes(one, 2);
  expect(await push(one, yamlOf('a'))).toMatchObject({ version: 1, complete: true });
  await untilServes(two, 'a', 1_000);
  await using three = await startNode('three', redis);
  expect([await serves(three, 'a'), await serves(three, 'first')]).toEqual([true, false]);
  await untilNodes(two, 3);
  await push(two, yamlOf('b'));
  await Promise.all([one, three].map((each) => untilServes(each, 'b', 1_000)));
  expect(await rollback(three)).toMatchObject({ version: 3 });
  await Promise.all([one, two, three].map((each) => untilServes(each, 'a', 1_000)));
  const all = [
    { node: 'one', version: 3 },
    { node: 'two', version: 3 },
    { node: 'three', version: 3 },
  ];
  await eventually(async () => {
    const { nodes } = await history(one);
    return all.every((each) => nodes.some(({ node, version }) => node === each.node && version === each.version));
  }, 'every node says that it has version 3');
  expect(await metric(two, 'gateway_config_stored_version')).toBe('gateway_config_stored_version 3');
});

test('what one node cannot use none uses, and the push names it', async () => {
  await using redis = await startRedis();
  await using one = await startNode('one', redis, { SIDE: 'a' });
  await using two = await startNode('two', redis);
  await untilNodes(one, 2);
  const answer = await tryPush(one, `${yamlOf('a')}  - { path: "/\${SIDE}2", respond: { status: 200, text: x } }\n`);
  expect([answer.status, answer.json]).toMatchObject([422, { code: 'refused_by_node', node: 'two' }]);
  expect(JSON.stringify(answer.json['problems'])).toContain('the variable is not set');
  expect(await Promise.all([one, two].map((each) => serves(each, 'first')))).toEqual([true, true]);
  expect(await push(two, yamlOf('b'))).toMatchObject({ version: 1 });
});

test('two pushes at once: one is made, one gets 412', async () => {
  await using redis = await startRedis();
  await using one = await startNode('one', redis);
  await using two = await startNode('two', redis);
  await untilNodes(one, 2);
  await untilNodes(two, 2);
  const answers = await Promise.all([tryPush(one, yamlOf('a'), '"0"'), tryPush(two, yamlOf('b'), '"0"')]);
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 412]);
  const made = answers[0]?.status === 200 ? 'a' : 'b';
  await Promise.all([one, two].map((each) => untilServes(each, made)));
  expect((await history(two)).versions).toHaveLength(1);
});

test('FLUSHDB loses neither the configuration nor its history, nor does an old version put in its place', async () => {
  await using redis = await startRedis();
  await using one = await startNode('one', redis);
  await push(one, yamlOf('a'));
  const old = await redis.client.dumpBuffer(KEY);
  await push(one, yamlOf('b'));
  await redis.client.flushdb();
  const isBack = async (): Promise<boolean> => ((await redis.client.hget(KEY, 'current')) ?? '').startsWith('2 ');
  await eventually(isBack, 'it is put back');
  expect(await redis.client.hkeys(KEY)).toEqual(expect.arrayContaining(['v:1', 'v:2']));
  await redis.client.restore(KEY, 0, old, 'REPLACE');
  await eventually(isBack, 'the newer one is put back');
  expect(await serves(one, 'b')).toBe(true);
  await redis.client.set(KEY, 'something else');
  await eventually(async () => (await redis.client.type(KEY)) === 'hash' && isBack(), 'another type gives way');
});

test('what is not signed, or by another key, is refused with log, event and metric, once, and put right', async () => {
  await using redis = await startRedis();
  await using one = await startNode('one', redis);
  await push(one, yamlOf('a'));
  const record = JSON.parse((await redis.client.hget(KEY, 'v:1')) ?? '') as Record<string, unknown>;
  const evil = { ...record, version: 2, files: [{ name: 'gateway.yaml', text: yamlOf('evil') }] };
  await redis.client.hset(KEY, 'v:2', JSON.stringify(evil), 'current', '2 0000');
  const { signature: _, ...unsigned } = { ...evil, version: 3 } as Record<string, unknown>;
  await redis.client.hset(KEY, 'v:3', JSON.stringify(unsigned));
  await one.waitForLog(({ msg }) => String(msg).includes('version 2 in Redis is refused'));
  await one.waitForLog(({ msg }) => String(msg).includes('version 3 in Redis is refused: it is not signed'));
  const isRight = async (): Promise<boolean> => ((await redis.client.hget(KEY, 'current')) ?? '').startsWith('1 ');
  await eventually(isRight, 'the pointer is put right');
  expect([await serves(one, 'a'), await serves(one, 'evil')]).toEqual([true, false]);
  const count = (reason: string) => metric(one, `gateway_config_versions_refused_total{reason="${reason}"}`);
  expect(await count('false_signature')).toMatch(/ 1$/);
  expect(await count('unsigned')).toMatch(/ 1$/);
  const events = (await call(one, 'GET /admin/events', { headers: { accept: 'application/json' } })).text;
  expect(events).toContain('its signature is of no key in CONFIG_SIGNING_KEY');

  // A node with another key takes nothing, and is not asked in vain.
  await using stranger = await startNode('stranger', redis, { CONFIG_SIGNING_KEY: 'another-signing-key-of-tests' });
  expect([await serves(stranger, 'first'), await serves(stranger, 'a')]).toEqual([true, false]);
  await untilNodes(one, 2);
  const answer = await tryPush(one, yamlOf('b'));
  expect([answer.status, answer.json]).toMatchObject([422, { node: 'stranger' }]);
  expect(JSON.stringify(answer.json)).toContain('CONFIG_SIGNING_KEY');
});

test('Redis away at the start: the copy in STATE_DIR; the key changed in two steps; a push waits for Redis', async () => {
  await using redis = await startRedis();
  const port = await freePort();
  await using one = await startNode('one', redis, { PORT: String(port) });
  await push(one, yamlOf('a'));
  await one.stop();
  redis.kill('SIGKILL');
  const env = {
    PORT: String(port),
    STATE_DIR: one.stateDir,
    CONFIG_SIGNING_KEY: `the-next-key-of-tests,${SIGNING_KEY}`,
  };
  await using again = await startNode('one', redis, env);
  expect([await serves(again, 'a'), await serves(again, 'first')]).toEqual([true, false]);
  expect((await tryPush(again, yamlOf('b'))).json['code']).toBe('redis_unavailable');
  await redis.restart();
  await eventually(async () => (await tryPush(again, yamlOf('b'), '"1"')).status === 200, 'it is pushed');
  expect(await serves(again, 'b')).toBe(true);
});

test('a node that does not answer holds a push up and is named; when it answers again the push is made', async () => {
  await using redis = await startRedis();
  await using one = await startNode('one', redis);
  await using two = await startNode('two', redis);
  await untilNodes(one, 2);
  two.process.kill('SIGSTOP');
  const answer = await tryPush(one, yamlOf('a'));
  two.process.kill('SIGCONT');
  expect([answer.status, answer.json]).toMatchObject([503, { code: 'nodes_silent', nodes: ['two'] }]);
  expect(await serves(one, 'first')).toBe(true);
  await eventually(async () => (await tryPush(one, yamlOf('b'))).status === 200, 'it is pushed');
  await untilServes(two, 'b');
});
