import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../support/ports.ts';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { eventually } from '../support/wait.ts';
import { get, statuses } from '../support/requests.ts';
import { scriptedUpstream } from '../support/upstreams.ts';
import type { Behaviour, ScriptedUpstream } from '../support/upstreams.ts';

const THRESHOLD = 3;

let upstream: ScriptedUpstream;
let gateway: Gateway;
/** Each case has an upstream of its own in the configuration, so that one gateway serves them all. */
const SHORT = 'timeouts: { body_idle_seconds: 1 }';
const OWN: Readonly<Record<string, string>> = {
  headers: 'timeouts: { response_headers_seconds: 0.2 }',
  total: 'timeouts: { total_seconds: 0.2 }',
  body: SHORT,
  events: SHORT,
  'events-total': 'timeouts: { total_seconds: 1 }',
  'slow-upload': SHORT,
  // Who has left sends the same as who waits for the rest.
  'aborted-late': SHORT,
  limited: 'limits: [{ name: few, capacity: 1, refill_per_second: 0.001 }]',
  'too-large': 'max_body_bytes: 10',
};
const CASES = `ok-500 ok-501 ok-502 ok-503 ok-504 ok-599 ok-404 ok-429 refused unresolved headers
  body reset garbage total limited aborted aborted-late too-large only-500 slow-upload events events-total
  long-head coding lengths folded odd-500 cut-upload`.split(/\s+/);

beforeAll(async () => {
  upstream = await scriptedUpstream();
  const refused = await freePort();
  const urls: Readonly<Record<string, string>> = {
    refused: `http://127.0.0.1:${refused}`,
    unresolved: 'http://nobody.invalid:80',
  };
  const upstreams = CASES.map((name) => {
    const own = name === 'only-500' ? ', failure_statuses: [500]' : '';
    const breaker = `{ failure_threshold: ${THRESHOLD}${own} }`;
    return `  ${name}: { url: "${urls[name] ?? upstream.url}", circuit_breaker: ${breaker} }`;
  });
  const routes = CASES.map((name) => {
    const own = OWN[name] === undefined ? '' : `, ${OWN[name]}`;
    const limits = name === 'limited' ? '' : ', limits: []';
    return `  - { path: /${name}, upstream: ${name}${own}${limits} }`;
  });
  const yaml = ['upstreams:', ...upstreams, 'routes:', ...routes, ''].join('\n');
  gateway = await startGateway({ yaml, env: { HALF_CLOSE_SECONDS: '0.05', ACCESS_LOG: 'off' } });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

/** An answer byte for byte. */
const raw =
  (text: string): Behaviour =>
  (response) =>
    void response.socket?.end(text);
const quietEvents: Behaviour = (response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: first\n\n');
};
const stalls: Behaviour = (response) => void response.writeHead(200, { 'content-length': '10' }).write('half');

describe('what opens a breaker', () => {
  test.each<[string, number, Behaviour?]>([
    ['ok-500', 500, 500],
    ['ok-502', 502, 502],
    ['ok-503', 503, 503],
    ['ok-504', 504, 504],
    ['refused', 502],
    ['headers', 504, 'hold'],
    ['total', 504, 'hold'],
    ['reset', 502, 'reset'],
    ['garbage', 502, 'garbage'],
  ])('%s, seen by clients as %i', async (name, status, behaviour) => {
    upstream.onPath.set(`/${name}`, behaviour ?? 200);
    const seen = await statuses(gateway, THRESHOLD + 1, `/${name}`);
    expect(seen).toEqual([...Array(THRESHOLD).fill(status), 503]);
    expect((await get(gateway.port, `/${name}`)).headers['x-circuit-breaker']).toBe('OPEN');
  });

  test('an answer that is a failure, and odd beside', async () => {
    upstream.onPath.set('/odd-500', raw('HTTP/1.1 500 Oh\r\nTransfer-Encoding: identity\r\n\r\n'));
    const seen = await statuses(gateway, THRESHOLD + 1, '/odd-500');
    expect(seen).toEqual([...Array(THRESHOLD).fill(502), 503]);
  });
});

describe('what never opens a breaker', () => {
  test.each([
    ['a header longer than the gateway takes', 'long-head', `X: ${'x'.repeat(70_000)}`],
    ['Transfer-Encoding: identity', 'coding', 'Transfer-Encoding: identity'],
    ['lengths that differ', 'lengths', 'Content-Length: 1\r\nContent-Length: 2'],
    ['a folded field', 'folded', 'X: a\r\n b\r\nContent-Length: 0'],
  ])('%s', async (_what, name, lines) => {
    upstream.onPath.set(`/${name}`, raw(`HTTP/1.1 200 OK\r\n${lines}\r\n\r\n`));
    expect(await statuses(gateway, 2 * THRESHOLD, `/${name}`)).toEqual(Array(2 * THRESHOLD).fill(502));
  });

  test.each(['body', 'events', 'events-total'])('time-outs after a good header: %s', async (name) => {
    upstream.onPath.set(`/${name}`, name === 'body' ? stalls : quietEvents);
    const answers = Array.from({ length: 2 * THRESHOLD }, () => get(gateway.port, `/${name}`).catch(() => 'cut'));
    const seen = await Promise.all(answers);
    expect(seen).toEqual(Array(2 * THRESHOLD).fill('cut'));
    upstream.onPath.set(`/${name}`, 200);
    expect(await statuses(gateway, 2, `/${name}`)).toEqual([200, 200]);
  });

  test('an upstream that does not wait for the rest of a request', async () => {
    upstream.onPath.set('/cut-upload', 'reset');
    for (let i = 0; i < 2 * THRESHOLD; i++) {
      const body = new ReadableStream({ start: (stream) => stream.enqueue(new TextEncoder().encode('half')) });
      const { status } = await fetch(`${gateway.url}/cut-upload`, { method: 'POST', body, duplex: 'half' });
      expect(status).toBe(502);
    }
    upstream.onPath.set('/cut-upload', 200);
    expect(await statuses(gateway, 2, '/cut-upload')).toEqual([200, 200]);
  });

  test.each([
    ['ok-501', 501],
    ['ok-599', 599],
    ['ok-404', 404],
    ['ok-429', 429],
  ])('%s', async (name, status) => {
    upstream.onPath.set(`/${name}`, status);
    expect(await statuses(gateway, 2 * THRESHOLD, `/${name}`)).toEqual(Array(2 * THRESHOLD).fill(status));
  });

  test('a name that does not resolve: that is the DNS of this machine, not the upstream', async () => {
    expect(await statuses(gateway, 2 * THRESHOLD, '/unresolved')).toEqual(Array(2 * THRESHOLD).fill(502));
  });

  test('statuses that the configuration took off the list', async () => {
    upstream.onPath.set('/only-500', 503);
    const seen = await statuses(gateway, 2 * THRESHOLD, '/only-500');
    expect([...seen, upstream.calls.filter(({ path }) => path === '/only-500').length]).toEqual([
      ...Array(2 * THRESHOLD).fill(503),
      2 * THRESHOLD,
    ]);
    upstream.onPath.set('/only-500', 500);
    expect(await statuses(gateway, THRESHOLD + 1, '/only-500')).toEqual([...Array(THRESHOLD).fill(500), 503]);
  });

  test("the gateway's own 429", async () => {
    upstream.onPath.set('/limited', 200);
    const seen = await statuses(gateway, 3 * THRESHOLD, '/limited');
    expect(seen).toEqual([200, ...Array(3 * THRESHOLD - 1).fill(429)]);
  });

  test('bodies that are too large', async () => {
    const body = 'x'.repeat(11);
    for (let i = 0; i < 2 * THRESHOLD; i++) {
      const { status } = await fetch(`${gateway.url}/too-large`, { method: 'POST', body });
      expect(status).toBe(413);
    }
  });

  test('clients that leave before the answer, and in the middle of it', async () => {
    upstream.onPath.set('/aborted', 'hold').set('/aborted-late', stalls);
    for (const path of ['/aborted', '/aborted-late']) {
      for (let i = 0; i < 2 * THRESHOLD; i++) {
        const before = upstream.calls.length;
        const client = new AbortController();
        const left = get(gateway.port, { path, signal: client.signal });
        await eventually(() => upstream.calls.length > before, 'the request is at the upstream');
        client.abort();
        await expect(left).rejects.toThrow(/abort/);
        await eventually(() => upstream.inFlight === 0, 'the gateway has let go of the upstream');
      }
      upstream.onPath.set(path, 200);
      expect(await statuses(gateway, 2, path)).toEqual([200, 200]);
    }
  });

  test('clients that stop in the middle of their own body', async () => {
    upstream.onPath.set('/slow-upload', 'hold');
    const uploads = Array.from({ length: THRESHOLD + 1 }, async () => {
      const body = new ReadableStream({ start: (stream) => stream.enqueue(new TextEncoder().encode('half')) });
      return (await fetch(`${gateway.url}/slow-upload`, { method: 'POST', body, duplex: 'half' })).status;
    });
    expect(await Promise.all(uploads)).toEqual(Array(THRESHOLD + 1).fill(408));
    upstream.onPath.set('/slow-upload', 200);
    expect(await statuses(gateway, 2, '/slow-upload')).toEqual([200, 200]);
  });

  test('failures between which something succeeds', async () => {
    upstream.onPath.set('/ok-501', 500);
    const round = async (): Promise<void> => {
      expect(await statuses(gateway, THRESHOLD - 1, '/ok-501')).toEqual(Array(THRESHOLD - 1).fill(500));
      upstream.onPath.set('/ok-501', 200);
      expect(await statuses(gateway, 1, '/ok-501')).toEqual([200]);
      upstream.onPath.set('/ok-501', 500);
    };
    for (let i = 0; i < 3; i++) await round();
  });
});
