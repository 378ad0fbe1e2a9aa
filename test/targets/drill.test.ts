import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startLoad } from '../breaker-gateway/load.ts';
import type { Load } from '../breaker-gateway/load.ts';
import { targetsOf, yamlOf } from '../health/setup.ts';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { get } from '../support/requests.ts';
import { scriptedUpstream } from '../support/upstreams.ts';
import type { ScriptedUpstream } from '../support/upstreams.ts';
import { until } from '../support/wait.ts';
import { sure } from './threads.ts';

/** One of three targets goes bad under load, on two threads; the others carry on. */

const PER_SECOND = 300;
let targets: ScriptedUpstream[];
let node: Gateway | undefined;
let load: Load | undefined;
beforeEach(async () => {
  targets = await Promise.all(Array.from({ length: 3 }, () => scriptedUpstream()));
});
afterEach(async () => {
  await load?.stop();
  load = undefined;
  await node?.[Symbol.asyncDispose]();
  node = undefined;
  await Promise.all(targets.map((each) => each[Symbol.asyncDispose]()));
});

const at = (n: number): ScriptedUpstream => sure(targets[n]);

async function start(more: string, env: Readonly<Record<string, string>> = {}): Promise<Gateway> {
  const yaml = yamlOf({ targets: targets.map(({ url }) => url), more });
  node = await startGateway({ env: { ACCESS_LOG: 'off', WORKERS: '2', ...env }, yaml });
  load = startLoad([node.port], PER_SECOND);
  await until(() => targets.every(({ calls }) => calls.length > 20));
  return node;
}

const failures = (): number =>
  [...(load?.seen ?? [])].reduce((sum, [status, count]) => sum + (status === 200 ? 0 : count), 0);
const ejected = async (): Promise<readonly string[]> =>
  (await targetsOf(sure(node))).targets.flatMap((each) => (each.ejected === null ? [] : [each.target]));
const served = (): number => load?.seen.get(200) ?? 0;
async function untilServed(count: number): Promise<void> {
  const before = served();
  await until(() => served() >= before + count);
}

test('answers 503: five errors beyond what was under way, and it is back after one good answer', async () => {
  const { adminPort } = await start('eject: { seconds: 1 }');
  const before = at(1).inFlight;
  at(1).behaviour = 503;
  await until(async () => (await ejected()).length === 1);
  await untilServed(100);
  const first = failures();
  // Each thread can have sent one more before it sees what the other has counted.
  expect(first - before).toBeLessThanOrEqual(7);
  const told = sure((await targetsOf(sure(node))).targets[1]);
  expect([told.used, told.why]).toEqual([false, expect.stringMatching(/^it kept failing: ejected, /)]);
  const { body } = await get(adminPort, '/metrics');
  expect(body).toMatch(/\nupstream_target_ejections_total\{upstream="api",reason="status",mode="on"\} \d+\n/);
  expect(body).toContain(`\nupstream_target_up{upstream="api",target="${at(1).url}"} 0\n`);
  expect(body).toContain('\nupstream_panic{upstream="api"} 0\n');
  at(1).behaviour = 200;
  await until(async () => (await ejected()).length === 0);
  const sum = failures();
  at(1).clear();
  await until(() => at(1).calls.length > 20);
  expect(failures()).toBe(sum);
  await node?.waitForLog(({ msg }) => String(msg).endsWith('is ejected for 1 s: it answers 502, 503 or 504'));
  await node?.waitForLog(({ msg }) => String(msg).endsWith('is back: a request to it went well'));
});

test('resets: five errors beyond what was under way', async () => {
  await start('');
  const before = at(1).inFlight;
  at(1).behaviour = 'reset';
  await until(async () => (await ejected()).length === 1);
  await untilServed(200);
  expect(failures() - before).toBeLessThanOrEqual(7);
});

/** A target that can be killed and started again on its port; every request is answered at once. */
async function mortalTarget() {
  const sockets = new Set<Socket>();
  let server: Server | undefined;
  let calls = 0;
  const listen = async (port: number): Promise<void> => {
    server = createServer((socket) => {
      sockets.add(socket);
      socket.on('data', () => {
        calls++;
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
      });
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
    }).listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  await listen(0);
  const { port } = sure<Server>(server).address() as { port: number };
  const kill = (): void => {
    server?.close();
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    url: `http://127.0.0.1:${port}`,
    calls: () => calls,
    kill,
    restart: () => listen(port),
    [Symbol.asyncDispose]: async () => kill(),
  };
}

test('killed and started again: nobody fails but who was under way', async () => {
  await using mortal = await mortalTarget();
  const yaml = yamlOf({ targets: [at(0).url, mortal.url, at(2).url], more: 'eject: { seconds: 1 }' });
  node = await startGateway({ env: { ACCESS_LOG: 'off', WORKERS: '2' }, yaml });
  load = startLoad([node.port], PER_SECOND);
  await until(() => mortal.calls() > 20);
  mortal.kill();
  await until(async () => (await ejected()).length === 1);
  await untilServed(200);
  expect(failures()).toBeLessThanOrEqual(2);
  const before = mortal.calls();
  await mortal.restart();
  await until(async () => (await ejected()).length === 0 && mortal.calls() > before + 20);
  expect(failures()).toBeLessThanOrEqual(2);
});

test('swallows every request: at most what was under way and as much again, and none after five time-outs', async () => {
  await start('', { RESPONSE_HEADERS_TIMEOUT_SECONDS: '1' });
  at(1).clear();
  at(1).behaviour = 'hold';
  await until(async () => (await ejected()).length === 1);
  const swallowed = at(1).calls.length;
  await untilServed(200);
  expect(at(1).calls.length).toBe(swallowed);
  await until(() => at(1).inFlight === 0);
  expect(failures()).toBeLessThanOrEqual(swallowed);
  // It is never the least loaded: what it holds keeps new requests away long before the first time-out.
  expect(swallowed).toBeLessThan(PER_SECOND / 5);
});

test('slowed a hundredfold: nobody fails, and it gets few of the requests', async () => {
  await start('');
  at(1).behaviour = (response) => void setTimeout(() => response.end('late'), 300);
  await until(() => at(1).inFlight > 0);
  await untilServed(50); // what was on its way to it has come to an end
  for (const each of targets) each.clear();
  await untilServed(600);
  const all = targets.reduce((sum, { calls }) => sum + calls.length, 0);
  expect(at(1).calls.length / all).toBeLessThan(0.15);
  expect([failures(), await ejected()]).toEqual([0, []]);
});

test('TARGET_EJECTION=off: it goes on getting requests', async () => {
  await start('', { TARGET_EJECTION: 'off' });
  at(1).behaviour = 503;
  await until(() => failures() > 30);
  expect(await ejected()).toEqual([]);
});
