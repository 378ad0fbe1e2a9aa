import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { ask, messageAt, recordingUpstream, requestText, statusOf } from '../support/http.ts';
import type { RecordingUpstream } from '../support/http.ts';
import { rawClient } from '../support/raw.ts';
import type { RawConnection } from '../support/raw.ts';
import { eventually, stopwatch } from '../support/wait.ts';
import { FORWARDING_ONLY } from '../support/pair.ts';

let upstream: RecordingUpstream;
let gateway: Gateway;
const answers = new Map<string, string>();
beforeAll(async () => {
  upstream = await recordingUpstream((request) => answers.get(request.startLine.split(' ')[1] ?? '') ?? '');
  gateway = await startGateway({
    env: {
      ...FORWARDING_ONLY,
      FORWARD_INFORMATIONAL: 'off',
      UPSTREAM_URL: `http://127.0.0.1:${upstream.port}`,
      IDLE_TIMEOUT_SECONDS: '1',
    },
    yaml: `
routes:
  - { path: /head, upstream: default, timeouts: { response_headers_seconds: 0.3 } }
  - { path: /body, upstream: default, timeouts: { body_idle_seconds: 0.4 } }
  - { path: /total, upstream: default, timeouts: { total_seconds: 0.5 } }
`,
  });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

const serving = (path: string): RawConnection | undefined =>
  upstream.connections.find((each) => each.received().includes(` ${path} `));
/** What a busy machine adds to a time-out at most, in served time. */
const LATE_MS = 2_000;

/** A time-out is never early by the clock, and never late by the time in which this process was served. */
async function timed<T>(work: () => Promise<T>): Promise<{ result: T; ms: number; servedMs: number }> {
  const startMs = performance.now();
  using watch = stopwatch();
  const result = await work();
  return { result, ms: performance.now() - startMs, servedMs: watch.ms() };
}
const cutAfter = (client: RawConnection, request: string) =>
  timed(() => {
    client.send(request);
    return client.closed();
  });
async function expectTimeout(path: string, code: string, fromMs: number): Promise<void> {
  const { result: answer, ms, servedMs } = await timed(() => ask(gateway.port, requestText('GET', path)));
  expect(statusOf(answer)).toBe(504);
  expect(JSON.parse(answer.body)).toMatchObject({ status: 504, code });
  expect(ms).toBeGreaterThanOrEqual(fromMs);
  expect(servedMs).toBeLessThan(fromMs + LATE_MS);
  await serving(path)?.closed();
}

describe.concurrent('time-outs', () => {
  it('no answer: 504, and the upstream’s connection is closed', () =>
    expectTimeout('/head/silent', 'upstream_headers_timeout', 300));

  it('half a header is no answer', async () => {
    answers.set('/head/half', 'HTTP/1.1 200 OK\r\nX-A: b\r\n');
    await expectTimeout('/head/half', 'upstream_headers_timeout', 300);
  });

  it('1xx does not put it off', async () => {
    answers.set('/head/1xx', 'HTTP/1.1 102 Processing\r\n\r\n');
    await expectTimeout('/head/1xx', 'upstream_headers_timeout', 300);
  });

  it('the whole exchange, before the answer', () => expectTimeout('/total/silent', 'upstream_total_timeout', 500));

  it('the whole exchange, in the middle of a lively body: the client is cut', async () => {
    answers.set('/total/lively', 'HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n');
    using client = await rawClient(gateway.port);
    const dripping = setInterval(() => serving('/total/lively')?.send('x'), 20);
    const { result: text, ms, servedMs } = await cutAfter(client, requestText('GET', '/total/lively'));
    clearInterval(dripping);
    expect(text).toMatch(/\r\n\r\nx+$/);
    expect(ms).toBeGreaterThanOrEqual(500);
    expect(servedMs).toBeLessThan(500 + LATE_MS);
  });

  it('silence inside the answer’s body: the client is cut, the upstream closed', async () => {
    answers.set('/body/silent', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf');
    using client = await rawClient(gateway.port);
    const { result: text, ms, servedMs } = await cutAfter(client, requestText('GET', '/body/silent'));
    expect(text).toMatch(/half$/);
    expect(ms).toBeGreaterThanOrEqual(400);
    expect(servedMs).toBeLessThan(400 + LATE_MS);
    await serving('/body/silent')?.closed();
  });

  it('silence between the answer’s header and its body: the header is there, and then the connection is cut', async () => {
    answers.set('/body/none', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n');
    using client = await rawClient(gateway.port);
    client.send(requestText('GET', '/body/none'));
    expect(await client.closed()).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n$/);
  });

  it('pauses below the limit do not add up', async () => {
    answers.set('/body/slow', 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n');
    using client = await rawClient(gateway.port);
    client.send(requestText('GET', '/body/slow'));
    const bytes = ['a', 'b', 'c', 'd', 'e', 'f'];
    const dripping = setInterval(() => {
      const connection = serving('/body/slow');
      if (connection !== undefined) connection.send(bytes.shift() ?? '');
    }, 150);
    expect((await messageAt(client, 0)).body).toBe('abcdef');
    clearInterval(dripping);
  });

  it('silence inside the request’s body: 408, closed, and the upstream is let go', async () => {
    using client = await rawClient(gateway.port);
    const {
      result: text,
      ms,
      servedMs,
    } = await cutAfter(client, requestText('POST', '/body/upload', ['Content-Length: 10']) + 'half');
    expect(text).toMatch(/^HTTP\/1.1 408 Request Timeout\r\n[^]*"code":"request_timeout"/);
    expect(ms).toBeGreaterThanOrEqual(400);
    expect(servedMs).toBeLessThan(400 + LATE_MS);
    await serving('/body/upload')?.closed();
  });

  it('a client that does not read at all does not hold its exchange for ever', async () => {
    answers.set('/body/unread', `HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n${'x'.repeat(4_000_000)}`);
    using client = await rawClient(gateway.port);
    client.socket.pause();
    client.send(requestText('GET', '/body/unread'));
    await eventually(() => serving('/body/unread') !== undefined, 'the request');
    const fill = setInterval(() => serving('/body/unread')?.send('x'.repeat(4_000_000)), 50);
    await eventually(() => (serving('/body/unread')?.socket.writableLength ?? 0) > 8_000_000, 'back-pressure');
    clearInterval(fill);
    await serving('/body/unread')?.closed(20_000);
  });
});
