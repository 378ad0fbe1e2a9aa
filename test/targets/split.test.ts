import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { startRedis } from '../support/redis.ts';
import { reloadsOf } from '../support/reload.ts';
import { get } from '../support/requests.ts';
import { scriptedUpstream } from '../support/upstreams.ts';
import type { ScriptedUpstream } from '../support/upstreams.ts';
import { until } from '../support/wait.ts';

/** Requests of a route are divided among upstreams, so that one client stays on one side. */

let sides: ScriptedUpstream[];
let node: Gateway | undefined;
beforeEach(async () => {
  sides = await Promise.all([scriptedUpstream(), scriptedUpstream()]);
});
afterEach(async () => {
  await node?.[Symbol.asyncDispose]();
  node = undefined;
  await Promise.all(sides.map((each) => each[Symbol.asyncDispose]()));
});

const yamlOf = (split: string): string => `
upstreams:
${sides.map(({ url }, i) => `  v${i + 1}: { url: "${url}", circuit_breaker: { failure_threshold: 2 } }`).join('\n')}
routes:
  - { name: proxy, path: /proxy, limits: [], split: ${split} }
`;

const ENV = { ACCESS_LOG: 'off', TRUSTED_PROXIES: '127.0.0.1', WORKERS: '2' };
async function start(split: string, env: Record<string, string> = {}): Promise<Gateway> {
  node = await startGateway({ env: { ...ENV, ...env }, yaml: yamlOf(split) });
  return node;
}

/** The gateway command, as an operator types it. */
async function gateway({ adminUrl, stateDir }: Gateway, ...args: readonly string[]) {
  const cli = resolve(import.meta.dirname, '../../dist/src/cli/main.js');
  const env = { PATH: process.env['PATH'] ?? '', STATE_DIR: stateDir };
  return promisify(execFile)(process.execPath, [cli, ...args, '--url', adminUrl], { env }).then(
    ({ stdout, stderr }) => ({ stdout, stderr, code: 0 }),
    (error: { stdout: string; stderr: string; code: number }) => error,
  );
}

const weightOf = async ({ adminPort }: Gateway, upstream: string): Promise<string | undefined> =>
  new RegExp(`route_split_weight\\{route="proxy",upstream="${upstream}"\\} (\\d+)`).exec(
    (await get(adminPort, '/metrics')).body,
  )?.[1];

const CLIENTS = Array.from({ length: 60 }, (_, i) => `203.0.113.${i}`);

/** Which side each of the clients is on. */
async function sidesOf({ port }: Gateway, headers: Record<string, string> = {}): Promise<readonly string[]> {
  const found: string[] = [];
  for (const client of CLIENTS) {
    for (const side of sides) side.clear();
    const { status } = await get(port, { path: '/proxy/a', headers: { 'X-Forwarded-For': client, ...headers } });
    expect(status).toBe(200);
    found.push(sides.map(({ calls }, i) => (calls.length === 1 ? `v${i + 1}` : '')).join(''));
  }
  return found;
}

test('each client stays on its side, on every thread; a condition goes first', async () => {
  const gateway = await start(
    '[{ upstream: v1, weight: 80 }, { upstream: v2, weight: 20, when: { header: x-canary, equals: always } }]',
  );
  const first = await sidesOf(gateway);
  expect(new Set(first)).toEqual(new Set(['v1', 'v2']));
  expect(await sidesOf(gateway)).toEqual(first);
  expect(new Set(await sidesOf(gateway, { 'X-Canary': 'always' }))).toEqual(new Set(['v2']));
});

test('each side has a breaker of its own: one that is open refuses its clients only', async () => {
  const gateway = await start('[{ upstream: v1 }, { upstream: v2 }]');
  const first = await sidesOf(gateway);
  const onFirst = first.indexOf('v1');
  const onSecond = first.indexOf('v2');
  const statusOf = async (client: number): Promise<number> =>
    (await get(gateway.port, { path: '/proxy/a', headers: { 'X-Forwarded-For': CLIENTS[client] ?? '' } })).status;
  const { status } = await get(gateway.adminPort, {
    path: '/admin/breakers/v2',
    method: 'POST',
    headers: { ...gateway.bearer, 'content-type': 'application/json' },
    body: '{"state":"OPEN","for":60}',
  });
  expect(status).toBe(200);
  expect([await statusOf(onFirst), await statusOf(onSecond)]).toEqual([200, 503]);
});

const TWO = '[{ upstream: v1, weight: 95 }, { upstream: v2, weight: 5 }]';

test('weights are moved by the command: nobody moves but to the side that gains, and auto takes it back', async () => {
  const own = await start(TWO);
  const before = await sidesOf(own);
  const moved = await gateway(own, 'split', '/proxy', 'v2=95');
  expect([moved.code, moved.stderr]).toEqual([0, expect.stringContaining('for this node only')]);
  expect(moved.stdout).toMatch(/proxy +\/proxy +v2 +95 +5 +/);
  const after = await sidesOf(own);
  expect(after.filter((side, i) => side !== before[i]).every((side) => side === 'v2')).toBe(true);
  expect(after.filter((side) => side === 'v2').length).toBeGreaterThan(15);
  expect(await weightOf(own, 'v2')).toBe('95');
  await reloadsOf(own)(yamlOf(TWO.replace('weight: 95', 'weight: 95 ')));
  expect(await sidesOf(own)).toEqual(after);
  expect((await gateway(own, 'split', 'proxy', 'v1=0', 'v2=1')).code).toBe(0);
  expect(new Set(await sidesOf(own))).toEqual(new Set(['v2']));
  expect((await gateway(own, 'split', 'proxy', 'v1=auto', 'v2=auto')).code).toBe(0);
  expect(await sidesOf(own)).toEqual(before);
});

test('what cannot be moved: a route without a split, a side that there is not, all to 0', async () => {
  const own = await start(TWO);
  const none = await gateway(own, 'split', '/other', 'v2=1');
  expect([none.code === 0, none.stderr]).toEqual([false, expect.stringContaining('no route of that name or path')]);
  const side = await gateway(own, 'split', '/proxy', 'v3=1');
  expect([side.code === 0, side.stderr]).toEqual([false, expect.stringContaining('has no side v3')]);
  const all = await gateway(own, 'split', '/proxy', 'v1=0', 'v2=0');
  expect([all.code === 0, all.stderr]).toEqual([false, expect.stringContaining('nothing would be left')]);
  const odd = await gateway(own, 'split', '/proxy', 'v2=much');
  expect([odd.code === 0, odd.stderr]).toEqual([false, expect.stringContaining('such as v2=20')]);
});

test('with a Redis it holds on every node, also on one that comes later', async () => {
  await using redis = await startRedis();
  const env = { REDIS_URL: `redis://127.0.0.1:${redis.port}` };
  const one = await start(TWO, { ...env, NODE_NAME: 'one' });
  await using two = await startGateway({ env: { ...ENV, ...env, NODE_NAME: 'two' }, yaml: yamlOf(TWO) });
  await until(async () => (await gateway(one, 'nodes')).stdout.includes('two'));
  const moved = await gateway(one, 'split', '/proxy', 'v1=0', 'v2=7', '--for', '10m');
  expect([moved.code, moved.stderr]).toEqual([0, '']);
  await until(async () => (await weightOf(two, 'v1')) === '0' && (await weightOf(two, 'v2')) === '7');
  expect(new Set(await sidesOf(two))).toEqual(new Set(['v2']));
  await using three = await startGateway({ env: { ...ENV, ...env, NODE_NAME: 'three' }, yaml: yamlOf(TWO) });
  await until(async () => (await weightOf(three, 'v2')) === '7' && (await weightOf(three, 'v1')) === '0');
  await redis.client.del('api-gateway:splits');
  await until(async () => (await weightOf(one, 'v1')) === '95' && (await weightOf(three, 'v2')) === '5');
});
