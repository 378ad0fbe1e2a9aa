import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { targetsOf, yamlOf } from '../health/setup.ts';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { get, tally } from '../support/requests.ts';
import { scriptedUpstream } from '../support/upstreams.ts';
import type { ScriptedUpstream } from '../support/upstreams.ts';
import { until } from '../support/wait.ts';
import { failed, idOf, startDrill } from './drill-load.ts';
import type { Answer, DrillLoad, DrillOptions } from './drill-load.ts';
import { sure } from './threads.ts';

/**
 * One of three targets goes bad under load, on two threads; the others carry on. What is counted goes by events and not by
 * time: which requests were sent when the failures that eject had come back already.
 */

const PER_SECOND = 300;
/** Failures in a row that eject. */
const CONSECUTIVE = 5;
/** No trial comes into the count. */
const FOR_LONG = 'eject: { seconds: 300 }';
let targets: ScriptedUpstream[];
let node: Gateway | undefined;
let running: DrillLoad | undefined;
beforeEach(async () => {
  targets = await Promise.all(Array.from({ length: 3 }, () => scriptedUpstream()));
});
afterEach(async () => {
  await running?.stop();
  running = undefined;
  await node?.[Symbol.asyncDispose]();
  node = undefined;
  await Promise.all(targets.map((each) => each[Symbol.asyncDispose]()));
});

const at = (n: number): ScriptedUpstream => sure(targets[n]);

interface Start {
  readonly urls?: readonly string[];
  readonly more?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly load?: Partial<DrillOptions>;
}

/** @returns the load, once each target has had its part of it */
async function start({ urls, more = '', env = {}, load = {} }: Start): Promise<DrillLoad> {
  const yaml = yamlOf({ targets: urls ?? targets.map(({ url }) => url), more });
  node = await startGateway({ env: { ACCESS_LOG: 'off', WORKERS: '2', ...env }, yaml });
  running = startDrill(node.port, { perSecond: PER_SECOND, ...load });
  await until(() => targets.every(({ calls, url }) => calls.length > 20 || urls?.includes(url) === false));
  return running;
}

const ejected = async (): Promise<readonly string[]> =>
  (await targetsOf(sure(node))).targets.flatMap((each) => (each.ejected === null ? [] : [each.target]));
const failures = ({ answers }: DrillLoad): number => answers.filter(failed).length;
/** Of those sent from here on so many have been answered. */
async function untilServed(load: DrillLoad, count: number): Promise<void> {
  const from = load.sent;
  await until(() => load.answers.filter(({ id }) => id >= from).length >= count);
}
/** Failures of requests that were sent when those that eject had come back. */
const late = ({ answers }: DrillLoad): number =>
  answers.filter((answer) => failed(answer) && answer.afterFailures >= CONSECUTIVE).length;

test('answers 503: five errors beyond what was under way', async () => {
  const load = await start({ more: FOR_LONG });
  load.fromNow();
  at(1).behaviour = 503;
  await until(async () => (await ejected()).length === 1);
  await untilServed(load, 200);
  expect(late(load)).toBe(0);
  const told = sure((await targetsOf(sure(node))).targets[1]);
  expect([told.used, told.why]).toEqual([false, expect.stringMatching(/^it kept failing: ejected, /)]);
  const { body } = await get(sure(node).adminPort, '/metrics');
  expect(body).toMatch(/\nupstream_target_ejections_total\{upstream="api",reason="status",mode="on"\} \d+\n/);
  expect(body).toContain(`\nupstream_target_up{upstream="api",target="${at(1).url}"} 0\n`);
  expect(body).toContain('\nupstream_panic{upstream="api"} 0\n');
});

test('is well again: it is back after one good answer, and nobody fails', async () => {
  const load = await start({ more: 'eject: { seconds: 1 }' });
  at(1).behaviour = 503;
  await until(async () => (await ejected()).length === 1);
  at(1).behaviour = 200;
  await until(async () => (await ejected()).length === 0);
  const from = load.sent;
  at(1).clear();
  await until(() => at(1).calls.length > 20);
  expect(load.answers.filter((answer) => answer.id >= from && failed(answer))).toEqual([]);
  await node?.waitForLog(({ msg }) => String(msg).endsWith('is ejected for 1 s: it answers 502, 503 or 504'));
  await node?.waitForLog(({ msg }) => String(msg).endsWith('is back: a request to it went well'));
});

test('resets: five errors beyond what was under way', async () => {
  const load = await start({ more: FOR_LONG });
  load.fromNow();
  at(1).behaviour = 'reset';
  await until(async () => (await ejected()).length === 1);
  await untilServed(load, 200);
  expect(late(load)).toBe(0);
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

test('killed and started again: five errors beyond what was under way, none when it is back', async () => {
  await using mortal = await mortalTarget();
  const load = await start({ urls: [at(0).url, mortal.url, at(2).url], more: 'eject: { seconds: 1 }' });
  await until(() => mortal.calls() > 20);
  load.fromNow();
  const killedAt = load.sent;
  mortal.kill();
  await until(async () => (await ejected()).length === 1);
  await untilServed(load, 200);
  // Those on connections that nobody had used before: of others the request is sent again by itself.
  expect(load.answers.filter((answer) => answer.id >= killedAt && failed(answer)).length).toBeLessThanOrEqual(5);
  expect(late(load)).toBe(0);
  const before = mortal.calls();
  await mortal.restart();
  const from = load.sent;
  await until(async () => (await ejected()).length === 0 && mortal.calls() > before + 20);
  expect(load.answers.filter((answer) => answer.id >= from && failed(answer))).toEqual([]);
});

test('swallows every request: at most what was under way and as much again, and none after five time-outs', async () => {
  let most = 0;
  const onSend = (inFlight: number): unknown => (most = Math.max(most, inFlight + 1 - at(1).inFlight));
  const isSwallowed = ({ id }: Answer): boolean => at(1).calls.some(({ path }) => idOf(path) === id);
  const env = { RESPONSE_HEADERS_TIMEOUT_SECONDS: '2' };
  const load = await start({ more: FOR_LONG, env, load: { onSend, counts: isSwallowed } });
  at(1).clear();
  at(1).behaviour = 'hold';
  await until(async () => (await ejected()).includes(at(1).url));
  await untilServed(load, 200);
  await until(() => at(1).inFlight === 0);
  await untilServed(load, 50);
  const lost = load.answers.filter(isSwallowed);
  expect(lost.filter(({ afterFailures }) => afterFailures >= CONSECUTIVE)).toEqual([]);
  expect(lost.length).toBe(at(1).calls.length);
  // It is never the least loaded: on each thread it holds one more than another has under way, at most.
  expect(lost.length).toBeLessThanOrEqual(2 * (most + 1));
});

test('slowed a hundredfold: nobody fails, and it gets few of the requests', async () => {
  let most = 0;
  const onSend = (inFlight: number): unknown => (most = Math.max(most, inFlight + 1 - at(1).inFlight));
  const load = await start({ load: { onSend } });
  // By events: whatever the machine does, each of its answers takes as long as a hundred of the others.
  const waiting: { readonly response: ServerResponse; readonly due: number }[] = [];
  const others = (): number => at(0).calls.length + at(2).calls.length;
  at(1).behaviour = (response) => {
    waiting.push({ response, due: others() + 100 });
  };
  for (const each of [at(0), at(2)]) {
    each.behaviour = (response) => {
      response.end('quick');
      while (waiting[0] !== undefined && waiting[0].due <= others()) waiting.shift()?.response.end('late');
    };
  }
  for (const each of targets) each.clear();
  await until(() => others() > 600);
  expect(at(1).calls.length).toBeLessThanOrEqual(2 * (most + 1) * Math.ceil(others() / 100));
  expect([failures(load), await ejected()]).toEqual([0, []]);
  at(1).behaviour = 200;
  for (const { response } of waiting) response.end('late');
});

test('many requests die with one target: it is ejected, and the breaker of all stays closed', async () => {
  const yaml = yamlOf({ targets: targets.map(({ url }) => url), more: FOR_LONG });
  node = await startGateway({ env: { ACCESS_LOG: 'off' }, yaml });
  const { port } = node;
  for (const each of targets) each.behaviour = 'hold';
  // All on connections that were not used before: of others the request would be sent once more.
  const lost = Array.from({ length: 36 }, () => get(port, '/proxy/lost'));
  await until(() => targets.reduce((sum, { inFlight }) => sum + inFlight, 0) === 36 && at(1).inFlight > CONSECUTIVE);
  for (const each of targets) each.behaviour = 200;
  at(1).cut();
  await until(async () => (await ejected()).length === 1);
  expect((await get(port, '/proxy/next')).status).toBe(200);
  for (const each of [at(0), at(2)]) each.release();
  const { 200: good = 0, ...bad } = tally((await Promise.all(lost)).map(({ status }) => status));
  expect([good, bad]).toEqual([at(0).calls.length + at(2).calls.length - 1, { 502: 36 - good }]);
});

test('TARGET_EJECTION=off: it goes on getting requests', async () => {
  const load = await start({ env: { TARGET_EJECTION: 'off' } });
  at(1).behaviour = 503;
  await until(() => failures(load) > 30);
  expect(await ejected()).toEqual([]);
});
