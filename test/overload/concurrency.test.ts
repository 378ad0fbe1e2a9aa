import { afterEach, expect, test } from 'vitest';
import { scrape } from '../metrics/scrape.ts';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { get, tally } from '../support/requests.ts';
import type { Reply } from '../support/requests.ts';
import { scriptedUpstream } from '../support/upstreams.ts';
import type { ScriptedUpstream } from '../support/upstreams.ts';
import { eventually, until } from '../support/wait.ts';

/** How many requests of a node may be under way at an upstream, and what becomes of the others. */

let node: Gateway | undefined;
let upstream: ScriptedUpstream;
afterEach(async () => {
  upstream.release();
  await node?.[Symbol.asyncDispose]();
  node = undefined;
  await upstream[Symbol.asyncDispose]();
});

interface Start {
  readonly max: number;
  readonly queue?: number;
  readonly env?: Readonly<Record<string, string>>;
}

const yamlOf = ({ max, queue = 100 }: Start): string => `
upstreams:
  api: { url: "${upstream.url}", queue: ${queue}, concurrency: { max: ${max} } }
routes:
  - { name: high, path: /high, upstream: api, priority: high }
  - { name: low, path: /low, upstream: api, priority: low }
  - { name: proxy, path: /, upstream: api, timeouts: { response_headers_seconds: 60 } }
`;

async function start(how: Start): Promise<Gateway> {
  upstream = await scriptedUpstream();
  node = await startGateway({
    env: { ACCESS_LOG: 'off', RATE_LIMIT_ALLOWLIST: '127.0.0.1', ...how.env },
    yaml: yamlOf(how),
  });
  return node;
}

const ask = (gateway: Gateway, count: number, path = '/'): Promise<Reply>[] =>
  Array.from({ length: count }, () => get(gateway.port, path));

const statusesOf = async (replies: readonly Promise<Reply>[]): Promise<Record<number, number>> =>
  tally((await Promise.all(replies)).map(({ status }) => status));

const inFlight = async (gateway: Gateway): Promise<number> =>
  (await scrape(gateway)).sum('upstream_in_flight', { upstream: 'api' });

const waiting = async (gateway: Gateway): Promise<number> =>
  (await scrape(gateway)).sum('upstream_queue_length', { upstream: 'api' });

test('an upstream never has more under way than its limit, from all threads, and everything that waits is served', async () => {
  const gateway = await start({ max: 3, env: { WORKERS: '2' } });
  upstream.behaviour = 'hold';
  const replies = ask(gateway, 30);
  await until(() => upstream.inFlight === 3);
  await eventually(async () => (await waiting(gateway)) === 27, 'all others wait');
  expect(await inFlight(gateway)).toBe(3);
  expect((await scrape(gateway)).sum('upstream_concurrency_limit', { upstream: 'api' })).toBe(3);
  let all = false;
  const counted = statusesOf(replies).finally(() => (all = true));
  await until(() => {
    upstream.release();
    return all;
  });
  expect(await counted).toEqual({ 200: 30 });
  expect(Math.max(...upstream.calls.map((call) => call.inFlight))).toBe(3);
  expect(await inFlight(gateway)).toBe(0);
});

test('with the line full there is 503 at once, which the breaker does not hear of', async () => {
  const env = { CIRCUIT_BREAKER_FAILURE_THRESHOLD: '3', CIRCUIT_BREAKER_ERROR_RATE: '0.1' };
  const gateway = await start({ max: 1, queue: 2, env });
  upstream.behaviour = 'hold';
  const admitted = ask(gateway, 3);
  await eventually(async () => (await waiting(gateway)) === 2, 'two wait');
  const refused = await Promise.all(ask(gateway, 30));
  expect(tally(refused.map(({ status }) => status))).toEqual({ 503: 30 });
  expect(JSON.parse(refused[0]?.body ?? '')).toMatchObject({ code: 'upstream_overloaded' });
  expect(refused[0]?.headers['retry-after']).toBe('1');
  const metrics = await scrape(gateway);
  expect(metrics.sum('shed_total', { reason: 'upstream', priority: 'normal' })).toBe(30);
  expect(metrics.sum('shed_total', { priority: 'low' })).toBe(0);
  expect(metrics.sum('circuit_breaker_state', { upstream: 'api' })).toBe(1);
  upstream.behaviour = 200;
  upstream.release();
  expect(await statusesOf(admitted)).toEqual({ 200: 3 });
});

test('high passes while low gets 503, and is served first', async () => {
  const gateway = await start({ max: 1, queue: 2 });
  upstream.behaviour = 'hold';
  const first = ask(gateway, 1);
  await until(() => upstream.inFlight === 1);
  const low = ask(gateway, 2, '/low');
  await eventually(async () => (await waiting(gateway)) === 2, 'the line is full of low ones');
  const high = get(gateway.port, { path: '/high', headers: { priority: 'u=7', 'x-priority': 'low' } });
  expect((await Promise.race(low)).status).toBe(503);
  const pretends = await get(gateway.port, { path: '/low', headers: { priority: 'u=0', 'x-priority': 'high' } });
  expect(pretends.status).toBe(503);
  upstream.release();
  await until(() => upstream.calls.length === 2);
  expect(upstream.calls.map(({ path }) => path)).toEqual(['/', '/high']);
  upstream.behaviour = 200;
  upstream.release();
  expect((await high).status).toBe(200);
  expect(await statusesOf([...first, ...low])).toEqual({ 200: 2, 503: 1 });
  expect((await scrape(gateway)).sum('shed_total', { reason: 'upstream', priority: 'low' })).toBe(2);
});

const MAX = 4;
const QUEUE = 8;

test('an upstream that becomes slow gets no more than before, what is admitted is served, and all is well when it is', async () => {
  const gateway = await start({ max: MAX, queue: QUEUE });
  expect(await statusesOf(ask(gateway, MAX + QUEUE))).toEqual({ 200: MAX + QUEUE });
  upstream.behaviour = 'hold';
  upstream.clear();
  const seen: number[] = [];
  let refused = 0;
  let goOn = true;
  const client = async (): Promise<void> => {
    while (goOn) {
      const { status } = await get(gateway.port, '/');
      seen.push(status);
      if (status !== 200) refused++;
    }
  };
  const clients = Array.from({ length: 2 * (MAX + QUEUE) }, client);
  for (let round = 0; round < 12; round++) {
    const before = refused;
    await until(() => upstream.inFlight === MAX && refused > before);
    upstream.release();
  }
  goOn = false;
  upstream.behaviour = 200;
  upstream.release();
  await Promise.all(clients);
  expect(Math.max(...upstream.calls.map((call) => call.inFlight))).toBe(MAX);
  // Whatever the upstream was sent, its client has got; and nothing else came to anybody.
  expect(tally(seen)).toEqual({ 200: upstream.calls.length, 503: refused });
  expect(upstream.calls.length).toBeGreaterThanOrEqual(13 * MAX);
  const shed = (await scrape(gateway)).sum('shed_total', { reason: 'upstream' });
  expect(shed).toBe(refused);
  expect(await statusesOf(ask(gateway, MAX + QUEUE))).toEqual({ 200: MAX + QUEUE });
  expect((await scrape(gateway)).sum('shed_total', { reason: 'upstream' })).toBe(shed);
  expect(await inFlight(gateway)).toBe(0);
});

test('who is admitted waits for those before it, and for nobody who comes later', async () => {
  const gateway = await start({ max: MAX, queue: QUEUE });
  upstream.behaviour = 'hold';
  const replies: Promise<Reply>[] = [];
  for (let i = 0; i < MAX + QUEUE; i++) {
    replies.push(get(gateway.port, `/${i}`));
    if (i < MAX) await until(() => upstream.inFlight === i + 1);
    else await eventually(async () => (await waiting(gateway)) === i + 1 - MAX, 'one more waits');
  }
  const late: Promise<Reply>[] = [];
  for (let round = 1; round <= 3; round++) {
    await until(() => upstream.calls.length === round * MAX);
    const came = upstream.calls.slice(-MAX).map(({ path }) => Number(path.slice(1)));
    expect(came.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3].map((i) => i + (round - 1) * MAX));
    late.push(...ask(gateway, 1, '/1000'));
    upstream.release();
  }
  upstream.behaviour = 200;
  upstream.release();
  expect(await statusesOf(replies)).toEqual({ 200: MAX + QUEUE });
  await Promise.all(late);
});

test('who leaves while it waits, or while it is under way, keeps no place', async () => {
  const gateway = await start({ max: 2 });
  upstream.behaviour = 'hold';
  const away = new AbortController();
  const gone = Array.from({ length: 6 }, () => get(gateway.port, { path: '/', signal: away.signal }).catch(() => 0));
  await eventually(async () => (await waiting(gateway)) === 4, 'four wait');
  away.abort();
  await Promise.all(gone);
  await eventually(async () => (await inFlight(gateway)) === 0, 'nothing is under way');
  expect(await waiting(gateway)).toBe(0);
  upstream.behaviour = 200;
  expect(await statusesOf(ask(gateway, 10))).toEqual({ 200: 10 });
});

test('a place is free again with the header of the answer', async () => {
  const gateway = await start({ max: 1 });
  const open: (() => void)[] = [];
  upstream.onPath.set('/long', (response) => {
    response.writeHead(200, { 'content-length': '2' }).write('a');
    open.push(() => response.end('b'));
  });
  const long = ask(gateway, 3, '/long');
  await until(() => open.length === 3);
  expect(await inFlight(gateway)).toBe(0);
  for (const end of open) end();
  expect(await statusesOf(long)).toEqual({ 200: 3 });
});

test('a reload that raises the limit lets on who waits, and one that takes it away all', async () => {
  const gateway = await start({ max: 1 });
  upstream.behaviour = 'hold';
  const replies = ask(gateway, 6);
  await eventually(async () => (await waiting(gateway)) === 5, 'five wait');
  gateway.writeYaml(yamlOf({ max: 3 }));
  gateway.process.kill('SIGHUP');
  await until(() => upstream.inFlight === 3);
  expect(await inFlight(gateway)).toBe(3);
  gateway.writeYaml(yamlOf({ max: 0 }));
  gateway.process.kill('SIGHUP');
  await until(() => upstream.inFlight === 6);
  upstream.behaviour = 200;
  upstream.release();
  expect(await statusesOf(replies)).toEqual({ 200: 6 });
});

test('what a thread had under way is free again when it is killed', async () => {
  const gateway = await start({ max: 4, env: { WORKERS: '2', GATEWAY_TEST_FAULTS: 'on' } });
  upstream.behaviour = 'hold';
  const held = ask(gateway, 4).map((reply) => reply.catch(() => undefined));
  await until(() => upstream.inFlight === 4);
  const blocks = { 'x-gateway-test-fault': 'block:600000' };
  // A thread that is stuck for ten seconds is ended, and what it had with it.
  void get(gateway.port, { path: '/', headers: blocks }).catch(() => undefined);
  await eventually(async () => (await inFlight(gateway)) < 4, 'the thread is gone', 120_000);
  upstream.behaviour = 200;
  upstream.release();
  await Promise.all(held);
  await eventually(async () => (await inFlight(gateway)) === 0, 'nothing is under way');
  expect(await statusesOf(ask(gateway, 12))).toEqual({ 200: 12 });
}, 180_000);
