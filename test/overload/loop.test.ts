import { afterEach, expect, test } from 'vitest';
import { statusAnswer } from '../../src/shared/admin/status.ts';
import { scrape } from '../metrics/scrape.ts';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { get } from '../support/requests.ts';
import type { Reply } from '../support/requests.ts';
import { scriptedUpstream } from '../support/upstreams.ts';
import type { ScriptedUpstream } from '../support/upstreams.ts';
import { eventually, until } from '../support/wait.ts';

/** What a thread refuses that does not keep up, and what it never does. */

let node: Gateway | undefined;
let upstream: ScriptedUpstream;
afterEach(async () => {
  await node?.[Symbol.asyncDispose]();
  node = undefined;
  await upstream[Symbol.asyncDispose]();
});

async function start(env: Readonly<Record<string, string>> = {}): Promise<Gateway> {
  upstream = await scriptedUpstream();
  upstream.behaviour = 200;
  const yaml = `
upstreams: { api: { url: "${upstream.url}" } }
routes:
  - { name: high, path: /high, upstream: api, priority: high }
  - { name: low, path: /low, upstream: api, priority: low }
  - { name: proxy, path: /, upstream: api }
`;
  const own = { ACCESS_LOG: 'off', GATEWAY_TEST_FAULTS: 'on', SHED_LOOP_LAG_MILLISECONDS: '100', ...env };
  node = await startGateway({ env: own, yaml });
  return node;
}

/** Keeps the only thread busy: blocks it for long enough that each of its ticks is late. */
function blocking(gateway: Gateway) {
  let goOn = true;
  const blocks = { 'x-gateway-test-fault': 'block:200' };
  const one = async (): Promise<void> => {
    while (goOn) await get(gateway.port, { path: '/health', headers: blocks }).catch(() => undefined);
  };
  const all = Promise.all([one(), one()]);
  return {
    async [Symbol.asyncDispose]() {
      goOn = false;
      await all;
    },
  };
}

async function shedPercent(gateway: Gateway): Promise<number> {
  const { threads } = statusAnswer.parse(await (await fetch(`${gateway.adminUrl}/admin/status`)).json());
  return threads[0]?.shedPercent ?? 0;
}

async function untilShed(gateway: Gateway, path: string): Promise<Reply> {
  let reply: Reply | undefined;
  await until(async () => (reply = await get(gateway.port, path)).status === 503);
  if (reply === undefined) throw new Error('nothing came');
  return reply;
}

test('a thread that is late refuses some, low before high, never health and readiness; and none once it is in time', async () => {
  const gateway = await start();
  {
    await using _busy = blocking(gateway);
    const refused = await untilShed(gateway, '/low');
    expect(JSON.parse(refused.body)).toMatchObject({ code: 'gateway_overloaded' });
    expect(refused.headers['retry-after']).toBe('1');
    const shed = (await scrape(gateway)).by('shed_total', ['reason', 'priority']);
    expect(Object.keys(shed)).toEqual(['loop low']);
    await untilShed(gateway, '/');
    await eventually(async () => (await shedPercent(gateway)) > 0, 'the status says how many it refuses');
    for (let i = 0; i < 3; i++) {
      expect((await get(gateway.port, '/health')).status).toBe(200);
      expect((await get(gateway.port, '/ready')).status).toBe(200);
    }
    expect((await fetch(`${gateway.adminUrl}/admin/status`)).status).toBe(200);
  }
  await eventually(async () => {
    const before = (await scrape(gateway)).sum('shed_total');
    for (let i = 0; i < 30; i++) if ((await get(gateway.port, '/low')).status !== 200) return false;
    return (await scrape(gateway)).sum('shed_total') === before;
  }, 'nothing is refused any more');
}, 120_000);

test('without a limit of lateness nothing is refused', async () => {
  const gateway = await start({ SHED_LOOP_LAG_MILLISECONDS: '0' });
  await using _busy = blocking(gateway);
  for (let i = 0; i < 4; i++) expect((await get(gateway.port, '/low')).status).toBe(200);
  expect((await scrape(gateway)).sum('shed_total')).toBe(0);
}, 120_000);
