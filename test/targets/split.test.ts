import { afterEach, beforeEach, expect, test } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { get } from '../support/requests.ts';
import { scriptedUpstream } from '../support/upstreams.ts';
import type { ScriptedUpstream } from '../support/upstreams.ts';

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

async function start(split: string): Promise<Gateway> {
  const yaml = `
upstreams:
${sides.map(({ url }, i) => `  v${i + 1}: { url: "${url}", circuit_breaker: { failure_threshold: 2 } }`).join('\n')}
routes:
  - { name: proxy, path: /proxy, limits: [], split: ${split} }
`;
  node = await startGateway({ env: { ACCESS_LOG: 'off', TRUSTED_PROXIES: '127.0.0.1', WORKERS: '2' }, yaml });
  return node;
}

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
