import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { get } from '../support/requests.ts';
import type { Ask, Reply } from '../support/requests.ts';
import { httpUpstream } from '../support/upstreams.ts';
import { quietFor, until } from '../support/wait.ts';
import { failed, startDrill } from './drill-load.ts';

/** Requests that have failed are sent once more, to another target, within a budget. */

interface Seen {
  readonly method: string;
  readonly path: string;
  readonly attempt: string | undefined;
  readonly body: string;
}

type Answer = (response: ServerResponse, seen: Seen) => unknown;
const says =
  (status: number, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(status, headers).end(`says ${status}\n`);
const resets: Answer = (response) => response.socket?.resetAndDestroy();
const nothing: Answer = () => undefined;

/** A target that keeps what it was sent, and answers once it has all of it. */
async function target(first: Answer) {
  const seen: Seen[] = [];
  const own = { seen, answer: first };
  const server = await httpUpstream((request: IncomingMessage, response) => {
    let body = '';
    request.setEncoding('latin1');
    request.on('data', (piece: string) => (body += piece));
    request.on('error', () => undefined);
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const one = { method, path: url, attempt: headers['x-request-attempt'] as string | undefined, body };
      seen.push(one);
      own.answer(response, one);
    });
  });
  // Its own copy of the two would not change with it.
  return Object.assign(own, { url: server.url, [Symbol.asyncDispose]: server[Symbol.asyncDispose] });
}
type Target = Awaited<ReturnType<typeof target>>;

interface Parts {
  /** Of the route. */
  readonly retries?: string;
  /** More of the route. */
  readonly route?: string;
  readonly upstream?: string;
  readonly env?: Readonly<Record<string, string>>;
}

let node: Gateway | undefined;
let targets: Target[] = [];
afterEach(async () => {
  await node?.[Symbol.asyncDispose]();
  node = undefined;
  await Promise.all(targets.map((each) => each[Symbol.asyncDispose]()));
  targets = [];
});

/** @returns what sends a request through it */
async function start(answers: readonly Answer[], parts: Parts = {}): Promise<(ask?: Ask) => Promise<Reply>> {
  const { retries = '{ attempts: 1 }', route = '', upstream = '', env = {} } = parts;
  targets = await Promise.all(answers.map(target));
  const yaml = `
upstreams:
  api:
    targets: ${JSON.stringify(targets.map(({ url }) => url))}
    ${upstream}
routes:
  - { path: /proxy, upstream: api, limits: [], ${route} retries: ${retries} }
`;
  const started = await startGateway({ env: { ACCESS_LOG: 'off', ...env }, yaml });
  node = started;
  return (ask = {}) => get(started.port, { path: '/proxy/one', ...ask });
}

const QUIET = 'eject: { mode: off }\n    circuit_breaker: { mode: off }';
const calls = (): readonly Seen[] => targets.flatMap(({ seen }) => seen);
const attempts = (): readonly (string | undefined)[] => calls().map(({ attempt }) => attempt);
async function metric(line: RegExp): Promise<number> {
  const { body } = await get(node?.adminPort ?? 0, '/metrics');
  return Number(line.exec(body)?.[1] ?? Number.NaN);
}
/** Whichever of two targets a request goes to first, it has to go to the other. */
async function untilBothWereFirst(send: () => Promise<unknown>): Promise<void> {
  const isOver = (): boolean => targets.every(({ seen }) => seen.some(({ attempt }) => attempt === undefined));
  while (!isOver()) await send();
}

test.each<[string, Answer]>([
  ['answers 503', says(503)],
  ['resets', resets],
])(
  'a target that %s: each GET is answered by the other, which is told that it is the second attempt',
  async (_, bad) => {
    const send = await start([bad, says(200)], { upstream: QUIET, env: { DEBUG_HEADERS: 'on' } });
    let repeated = 0;
    await untilBothWereFirst(async () => {
      const { status, headers } = await send({ headers: { 'x-request-attempt': '9' } });
      expect(status).toBe(200);
      if (headers['x-gateway-attempts'] === '2') repeated++;
    });
    expect(repeated).toBe(targets[0]?.seen.length);
    expect(targets[0]?.seen.every(({ attempt }) => attempt === undefined)).toBe(true);
    expect(targets[1]?.seen.filter(({ attempt }) => attempt === '2').length).toBe(repeated);
    const reason = bad === resets ? 'reset' : 'status';
    expect(await metric(new RegExp(`upstream_retries_total\\{upstream="api",reason="${reason}"\\} (\\d+)`))).toBe(
      repeated,
    );
  },
);

test('killed, resetting or answering 503 under load on two threads: no GET fails', async () => {
  const send = await start([says(200), says(200), says(200)], { env: { WORKERS: '2' } });
  expect((await send()).status).toBe(200);
  const load = startDrill(node?.port ?? 0, { perSecond: 200 });
  const bad = targets[1] as Target;
  // The budget is a share of what there was: enough for all that a machine that stalls sends to the bad one at once.
  await until(() => load.answers.length > 400);
  for (const answer of [says(503), resets, says(200)]) {
    const before = load.answers.length;
    bad.answer = answer;
    await until(() => load.answers.length > before + 150);
  }
  await bad[Symbol.asyncDispose]();
  const before = load.answers.length;
  await until(() => load.answers.length > before + 150);
  await load.stop();
  targets = targets.filter((each) => each !== bad);
  expect(load.answers.filter(failed)).toEqual([]);
});

test('a POST arrives once, whatever becomes of it; with Idempotency-Key, or where the route says so, again', async () => {
  const send = await start([resets, resets], { upstream: QUIET });
  for (let i = 0; i < 20; i++) await send({ method: 'POST', path: `/proxy/${i}`, body: 'order' });
  expect(new Set(calls().map(({ path }) => path)).size).toBe(20);
  expect(calls().length).toBe(20);
  for (const each of targets) each.seen.length = 0;
  await send({ method: 'POST', body: 'order', headers: { 'Idempotency-Key': 'a-1' } });
  expect(calls().map(({ body }) => body)).toEqual(['order', 'order']);
  expect(attempts()).toEqual(expect.arrayContaining([undefined, '2']));
});

test('POST of a route whose upstream takes them as one', async () => {
  const route = 'methods: [POST],';
  const send = await start([resets, says(201)], {
    upstream: QUIET,
    route,
    retries: '{ attempts: 1, idempotent: true }',
  });
  await untilBothWereFirst(async () => {
    expect((await send({ method: 'POST', body: 'a' })).status).toBe(201);
  });
});

test('POST to a target that takes no connection goes to another, once', async () => {
  const send = await start([says(200), says(200)]);
  await (targets[0] as Target)[Symbol.asyncDispose]();
  const other = targets[1] as Target;
  targets = [other];
  for (let i = 0; i < 20; i++) expect((await send({ method: 'POST', body: `${i}` })).status).toBe(200);
  expect(other.seen.map(({ body }) => body)).toEqual(Array.from({ length: 20 }, (_, i) => `${i}`));
});

test('all targets fail: they are offered at most a fifth more, and who gets no second attempt gets the first answer', async () => {
  await start([says(503), says(503), says(503)], { upstream: QUIET, env: { WORKERS: '2' } });
  const load = startDrill(node?.port ?? 0, { perSecond: 300 });
  await until(() => load.answers.length > 600);
  await load.stop();
  const offered = calls().length / load.sent;
  expect(offered).toBeLessThanOrEqual(1.2);
  expect(offered).toBeGreaterThan(1.1);
  expect(load.answers.every(({ status }) => status === 503)).toBe(true);
  const exhausted = await metric(/upstream_retry_budget_exhausted_total\{upstream="api"\} (\d+)/);
  expect(exhausted + calls().length - load.sent).toBe(load.sent);
});

test('an upstream that wants to be left alone is: its answer goes to the client', async () => {
  const send = await start([says(503, { 'Retry-After': '2' }), says(503, { 'Retry-After': '120' })], {
    upstream: QUIET,
  });
  const { status, headers, body } = await send();
  expect([status, body]).toEqual([503, 'says 503\n']);
  expect(headers['retry-after']).toMatch(/^(2|120)$/);
  expect(calls().length).toBe(1);
});

test('one target: once more after a moment, not before its Retry-After, and never against an open breaker', async () => {
  const bad = says(503, { 'Retry-After': '1' });
  const send = await start([bad], {
    retries: '{ attempts: 5 }',
    upstream: 'circuit_breaker: { failure_threshold: 1 }',
  });
  const { status, body, headers } = await send();
  // Five more attempts would have taken five seconds: its breaker is open long before.
  expect([status, calls().length < 6]).toEqual([503, true]);
  expect(body).toContain('"code":"circuit_open"');
  expect(headers['x-circuit-breaker']).toBe('OPEN');
});

test('one target that is well again a moment later', async () => {
  const send = await start([resets], { upstream: QUIET });
  const [only] = targets as [Target];
  only.answer = (response, seen) => (seen.attempt === undefined ? resets : says(200))(response, seen);
  expect((await send()).status).toBe(200);
  expect(attempts()).toEqual([undefined, '2']);
});

test('the client leaves between two attempts: there is no second', async () => {
  const env = { HALF_CLOSE_SECONDS: '0.05' };
  const send = await start([says(503, { 'Retry-After': '1' })], { upstream: QUIET, env });
  const leaving = new AbortController();
  const gone = send({ signal: leaving.signal }).catch(() => 'gone');
  await until(() => calls().length === 1);
  leaving.abort();
  expect(await gone).toBe('gone');
  await until(async () => (await metric(/http_responses_total\{route="proxy",status_class="none"\} (\d+)/)) === 1);
  await quietFor(1_500, 'the attempt would be made after a second');
  expect(calls().length).toBe(1);
});

test('a body is sent again whole; one of more than 64 KiB is not sent again', async () => {
  const send = await start([resets, says(200)], { upstream: QUIET });
  const small = 'x'.repeat(60_000);
  await untilBothWereFirst(async () => {
    expect((await send({ method: 'PUT', body: small })).status).toBe(200);
  });
  expect(calls().every(({ body }) => body === small)).toBe(true);
  const large = 'y'.repeat(200_000);
  const path = '/proxy/large';
  const statuses: number[] = [];
  while (!statuses.includes(502)) statuses.push((await send({ method: 'PUT', body: large, path })).status);
  expect(calls().filter((seen) => seen.path.endsWith('large')).length).toBe(statuses.length);
});

test('an attempt that takes too long is given up for another target; without one it is waited for', async () => {
  const send = await start([nothing, says(200)], { upstream: QUIET, retries: '{ attempts: 1, per_try_seconds: 0.1 }' });
  await untilBothWereFirst(async () => {
    expect((await send()).status).toBe(200);
  });
  expect(await metric(/upstream_retries_total\{upstream="api",reason="timeout"\} (\d+)/)).toBe(targets[0]?.seen.length);
});

test('causes that are not listed are not repeated', async () => {
  const send = await start([says(503), says(503)], { upstream: QUIET, retries: '{ attempts: 3, on: [reset, 502] }' });
  expect((await send()).status).toBe(503);
  expect(calls().length).toBe(1);
});

test('an answer that breaks off in the middle is not repeated: its beginning is with the client', async () => {
  const cut: Answer = (response) => {
    response.writeHead(200, { 'content-length': '100' }).write('some');
    setImmediate(() => response.socket?.destroy());
  };
  const send = await start([cut, cut], { upstream: QUIET });
  await expect(send()).rejects.toThrow('aborted');
  expect(calls().length).toBe(1);
});
