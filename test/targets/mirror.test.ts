import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { get, statuses } from '../support/requests.ts';
import { httpUpstream } from '../support/upstreams.ts';
import { until } from '../support/wait.ts';

/** Copies of some requests go to an upstream whose answers nobody reads. */

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly body: string;
  readonly own: string | undefined;
}

async function recorder() {
  const seen: Seen[] = [];
  const held: ServerResponse[] = [];
  const recorded = {
    seen,
    held,
    answer: (response: ServerResponse): unknown => response.end('ok'),
  };
  const server = await httpUpstream((request: IncomingMessage, response) => {
    let body = '';
    request.setEncoding('latin1');
    request.on('data', (piece: string) => (body += piece));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      seen.push({ method, url, body, own: headers['x-own'] as string | undefined });
      recorded.answer(response);
    });
  });
  return Object.assign(recorded, { url: server.url, [Symbol.asyncDispose]: server[Symbol.asyncDispose] });
}
type Recorder = Awaited<ReturnType<typeof recorder>>;

let node: Gateway | undefined;
let both: Recorder[] = [];
afterEach(async () => {
  await node?.[Symbol.asyncDispose]();
  node = undefined;
  await Promise.all(both.map((each) => each[Symbol.asyncDispose]()));
  both = [];
});

async function start(percent: number, more = '') {
  const [real, shadow] = (both = await Promise.all([recorder(), recorder()])) as [Recorder, Recorder];
  const yaml = `
upstreams:
  real: { url: "${real.url}" }
  shadow: { url: "${shadow.url}" ${more} }
routes:
  - { name: proxy, path: /proxy, upstream: real, limits: [], mirror: { upstream: shadow, percent: ${percent} } }
`;
  node = await startGateway({ env: { ACCESS_LOG: 'off' }, yaml });
  return { real, shadow, port: node.port, adminPort: node.adminPort };
}

async function counted(adminPort: number): Promise<Record<string, number>> {
  const { body } = await get(adminPort, '/metrics');
  const found = [...body.matchAll(/route_mirrored_total\{route="proxy",outcome="(\w+)"\} (\d+)/g)];
  return Object.fromEntries(found.map(([, outcome = '', count]) => [outcome, Number(count)]));
}

test('a copy is the request, with its fields and its body', async () => {
  const { real, shadow, port } = await start(100);
  const large = 'y'.repeat(60_000);
  for (const body of ['', 'small', large]) {
    await get(port, { path: '/proxy/a?b=c', method: 'PUT', body, headers: { 'X-Own': 'mine' } });
  }
  await until(() => shadow.seen.length === 3);
  expect(shadow.seen).toEqual(real.seen);
  expect(shadow.seen.map(({ body }) => body.length)).toEqual([0, 5, 60_000]);
});

test('a share of the requests is copied; one that is larger than what is held is not', async () => {
  const { shadow, port, adminPort } = await start(30);
  await statuses(port, 200);
  await until(async () => (await counted(adminPort))['sent'] === shadow.seen.length);
  expect(shadow.seen.length).toBeGreaterThan(30);
  expect(shadow.seen.length).toBeLessThan(90);
  const before = await counted(adminPort);
  for (let i = 0; i < 30; i++) await get(port, { method: 'PUT', body: 'z'.repeat(200_000) });
  const after = await counted(adminPort);
  expect([after['sent'], (after['dropped'] ?? 0) > (before['dropped'] ?? 0)]).toEqual([before['sent'], true]);
});

test('an upstream that gives no answer holds no more than a hundred copies, and nobody waits for it', async () => {
  const { real, shadow, port, adminPort } = await start(100);
  shadow.answer = (response) => shadow.held.push(response);
  expect(new Set(await statuses(port, 150))).toEqual(new Set([200]));
  expect(real.seen.length).toBe(150);
  expect(await counted(adminPort)).toEqual({ sent: 100, dropped: 50 });
  await until(() => shadow.seen.length === 100);
  for (const response of shadow.held) response.end('late');
  shadow.answer = (response) => response.end();
  await until(async () => {
    await get(port);
    return (await counted(adminPort))['sent'] === shadow.seen.length && shadow.seen.length > 100;
  });
});

test('an upstream that fails opens no breaker and ends no request', async () => {
  const { shadow, port, adminPort } = await start(100, ', circuit_breaker: { failure_threshold: 2 }');
  shadow.answer = (response) => response.socket?.resetAndDestroy();
  expect(new Set(await statuses(port, 30))).toEqual(new Set([200]));
  await until(() => shadow.seen.length === 30);
  const { body } = await get(adminPort, '/metrics');
  expect(body).toContain('\ncircuit_breaker_state{upstream="shadow"} 1\n');
});
