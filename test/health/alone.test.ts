import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startLoad } from '../breaker-gateway/load.ts';
import { dnsServer } from '../support/dns.ts';
import type { Gateway } from '../support/gateway.ts';
import { takenPort } from '../support/ports.ts';
import { get } from '../support/requests.ts';
import { scriptedUpstream } from '../support/upstreams.ts';
import type { ScriptedUpstream } from '../support/upstreams.ts';
import { quietFor, until } from '../support/wait.ts';
import { HEALTH, seenBy, startNode, targetsOf, untilSeen, yamlOf } from './setup.ts';

/** Without Redis each node probes for itself. */

const UP = 'up, used';
const OUT = 'down, not used';

let targets: ScriptedUpstream[];
let node: Gateway | undefined;
beforeEach(async () => {
  targets = await Promise.all(Array.from({ length: 3 }, () => scriptedUpstream()));
});
afterEach(async () => {
  await node?.[Symbol.asyncDispose]();
  node = undefined;
  await Promise.all(targets.map((each) => each[Symbol.asyncDispose]()));
});

const at = (n: number): ScriptedUpstream => {
  const found = targets[n];
  if (found === undefined) throw new Error('there are three');
  return found;
};
const urls = (count = 3): string[] => targets.slice(0, count).map(({ url }) => url);
const requestsTo = (n: number): number => at(n).calls.filter(({ path }) => path !== '/health').length;

/** Resolves when so many further requests have come to each of these targets. */
async function untilServing(ns: readonly number[], count = 5): Promise<void> {
  const before = ns.map(requestsTo);
  await until(() => ns.every((n, i) => requestsTo(n) >= (before[i] ?? 0) + count));
}

describe('under 100 requests a second', () => {
  test('a target that says it is not well gets no requests, nobody fails, and it comes back', async () => {
    node = await startNode({ targets: urls(), health: HEALTH });
    await untilSeen(node, [UP, UP, UP]);
    const load = startLoad([node.port], 100);
    await untilServing([0, 1, 2]);
    at(1).onPath.set('/health', 503);
    await untilSeen(node, [UP, OUT, UP]);
    expect((await targetsOf(node)).targets[1]).toMatchObject({ why: 'status 503', scope: 'node' });
    await until(() => at(1).inFlight === 0);
    const before = requestsTo(1);
    await untilServing([0, 2], 50);
    expect(requestsTo(1)).toBe(before);
    at(1).onPath.delete('/health');
    await untilSeen(node, [UP, UP, UP]);
    await untilServing([0, 1, 2]);
    await load.stop();
    expect([...load.seen.keys()]).toEqual([200]);
  });

  test('a target that answers no probe is used as long as it answers requests', async () => {
    node = await startNode({ targets: urls(), health: HEALTH });
    await untilSeen(node, [UP, UP, UP]);
    const load = startLoad([node.port], 100);
    await untilServing([0, 1, 2]);
    at(1).onPath.set('/health', 'hold');
    await untilSeen(node, [UP, 'down, used', UP]);
    await untilServing([0, 1, 2], 50);
    const { why } = (await targetsOf(node)).targets[1] ?? {};
    expect(why).toMatch(/ within 500 ms; used: requests of this node have good answers$/);
    await load.stop();
    expect([...load.seen.keys()]).toEqual([200]);
    // Nothing speaks for it any more.
    await untilSeen(node, [UP, OUT, UP]);
    await quietFor(200, 'the clock of a request thread moves on in steps');
    at(1).clear();
    for (let i = 0; i < 20; i++) await get(node.port);
    expect(requestsTo(1)).toBe(0);
  });

  test('where fewer than half are left all are used, and it is said', async () => {
    node = await startNode({ targets: urls(), health: HEALTH });
    await untilSeen(node, [UP, UP, UP]);
    const load = startLoad([node.port], 100);
    at(0).onPath.set('/health', 503);
    await untilSeen(node, [OUT, UP, UP]);
    at(1).onPath.set('/health', 500);
    await untilSeen(node, ['down, used', 'down, used', UP]);
    expect((await targetsOf(node)).panic).toEqual(['api']);
    await untilServing([0, 1, 2]);
    const text = 'upstream api has only 1 of 3 targets that are healthy: all are used';
    // The threads hear of it a moment later.
    const degraded = JSON.stringify({ status: 'degraded', reasons: [text] });
    await until(async () => (await get((node as Gateway).port, '/health')).body === `${degraded}\n`);
    expect((JSON.parse((await get(node.adminPort, '/admin/status')).body) as { reasons: unknown }).reasons).toEqual([
      text,
    ]);
    const { body } = await get(node.adminPort, '/metrics');
    expect(body).toContain('\nupstream_panic{upstream="api"} 1\n');
    expect(body).toContain(`\nupstream_target_up{upstream="api",target="${at(0).url}"} 0\n`);
    expect(body).toMatch(/\nhealth_probes_total\{outcome="status"\} \d+\n/);
    at(2).onPath.set('/health', 404);
    const none = 'upstream api has no healthy target (all 3 fail the probes): all are used';
    await until(async () => (await get((node as Gateway).port, '/health')).body.includes(none));
    for (const each of targets) each.onPath.delete('/health');
    await untilSeen(node, [UP, UP, UP]);
    await until(async () => (await get((node as Gateway).port, '/health')).body === '{"status":"ok"}\n');
    await load.stop();
    expect([...load.seen.keys()]).toEqual([200]);
    const { log } = node;
    const panics = (): unknown[] =>
      log.filter(({ msg }) => /^upstream api: . of 3 targets are left/.test(String(msg))).map(({ panic }) => panic);
    await until(() => panics().length >= 2);
    expect(panics()).toEqual([true, false]);
  });
});

test('garbage, a redirect that leads round, a stream without end and a drip are each what they are', async () => {
  const causes = async (): Promise<unknown> => (await targetsOf(node as Gateway)).targets.map(({ why }) => why);
  at(0).onPath.set('/health', 'garbage');
  at(1).onPath.set('/health', (response) => response.writeHead(302, { location: '/health' }).end());
  at(2).onPath.set('/health', (response) => {
    response.writeHead(200);
    const more = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(16_384)));
    };
    response.on('drain', more);
    more();
  });
  node = await startNode({ targets: urls(), health: HEALTH.replace(' }', ', statuses: [200] }') });
  await untilSeen(node, ['down, used', 'down, used', UP]);
  expect(await causes()).toEqual([
    'what it answers is not HTTP/1.1 as it should be; used: too few others are left',
    'status 302; used: too few others are left',
    '',
  ]);
  expect(at(1).calls.length).toBeLessThan(20); // it was not followed
});

test('an upstream without health, and one whose breaker is all it has, are not probed', async () => {
  node = await startNode({ targets: urls(2) });
  await quietFor(300, 'there must be no probes');
  expect(await seenBy(node)).toEqual(['unprobed, used', 'unprobed, used']);
  expect([at(0).calls, at(1).calls]).toEqual([[], []]);
  expect((await get(node.adminPort, '/metrics')).body).not.toContain('health_');
});

test('a reload begins, changes and ends the probes, and what is known of a target stays', async () => {
  node = await startNode({ targets: urls(2) });
  const reload = async (yaml: string): Promise<void> => {
    const { log } = node as Gateway;
    const before = log.filter(({ msg }) => msg === 'configuration applied').length;
    (node as Gateway).writeYaml(yaml);
    (node as Gateway).process.kill('SIGHUP');
    await until(() => log.filter(({ msg }) => msg === 'configuration applied').length > before);
  };
  at(1).onPath.set('/health', 503);
  await reload(yamlOf({ targets: urls(2), health: HEALTH }));
  await untilSeen(node, [UP, OUT]);
  await reload(yamlOf({ targets: urls(3), health: HEALTH.replace('healthy: 2', 'healthy: 3') }));
  expect((await seenBy(node))[1]).toBe(OUT);
  await untilSeen(node, [UP, OUT, UP]);
  // Another question: nothing is known of its answer.
  await reload(yamlOf({ targets: urls(3), health: HEALTH.replace('/health', '/other') }));
  await untilSeen(node, [UP, UP, UP]);
  await reload(yamlOf({ targets: urls(3) }));
  expect(await seenBy(node)).toEqual(['unprobed, used', 'unprobed, used', 'unprobed, used']);
  const sent = at(0).calls.length;
  await quietFor(1_500, 'there must be no further probes');
  expect(at(0).calls.length).toBe(sent);
});

test('the address of a name may change', async () => {
  await using dns = await dnsServer({ 'a.test': ['127.0.0.1'] });
  dns.ttlSeconds = 1;
  node = await startNode({
    targets: [at(0).url.replace('127.0.0.1', 'a.test')],
    health: HEALTH,
    env: { GATEWAY_TEST_DNS: dns.address },
  });
  await untilSeen(node, [UP]);
  dns.names.set('a.test', ['127.0.0.2']); // nobody is there
  await untilSeen(node, ['down, used']);
  dns.names.set('a.test', 'nxdomain');
  await until(
    async () => (await targetsOf(node as Gateway)).targets[0]?.why.startsWith('a.test has no address') === true,
  );
  dns.names.set('a.test', ['127.0.0.1']);
  await untilSeen(node, [UP]);
});

test('HEALTH_PATH probes the targets of UPSTREAM_URL; a target that is gone is out', async () => {
  const gone = await takenPort();
  await gone[Symbol.asyncDispose]();
  const { startGateway } = await import('../support/gateway.ts');
  const all = [...urls(2).map((url) => `${url}/base`), `http://127.0.0.1:${gone.port}`].join(',');
  node = await startGateway({ env: { UPSTREAM_URL: all, HEALTH_PATH: '/health' } });
  await until(async () => (await targetsOf(node as Gateway)).targets.some(({ why }) => why.includes('ECONNREFUSED')));
  await until(() => at(0).calls.length > 0);
  expect(at(0).calls[0]?.path).toBe('/base/health');
});
