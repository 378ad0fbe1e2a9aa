import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { expect, it } from 'vitest';
import { call, readEvents } from '../admin/setup.ts';
import { answerText, ask, messageAt, requestText, statusOf, valueOf } from '../support/http.ts';
import { createAuthority } from '../support/certificates.ts';
import { describeFronts, FRONTS } from '../support/fronts.ts';
import type { Gateway } from '../support/gateway.ts';
import { startPair } from '../support/pair.ts';
import { rawClient } from '../support/raw.ts';
import type { RawConnection } from '../support/raw.ts';
import { eventually, quietFor, stopwatch } from '../support/wait.ts';
import { exitOf } from './run.ts';

const DELAY = 'gateway draining, still serving for 600 s';
const LONG = { DRAIN_DELAY_SECONDS: '600' };

/** Status and Connection of an answer on a connection of its own. */
async function answerOf(port: number, text: string): Promise<(number | string | undefined)[]> {
  const answer = await ask(port, text);
  return [statusOf(answer), valueOf(answer, 'connection')];
}

/** The front says that it drains before the threads have heard of it. */
const notReady = (port: number): Promise<number> =>
  eventually(async () => statusOf(await ask(port, requestText('GET', '/ready'))) === 503, '/ready says no');

async function hold(pair: Awaited<ReturnType<typeof startPair>>): Promise<RawConnection> {
  pair.answers.set('/never', () => '');
  const client = await rawClient(pair.port);
  client.send(requestText('GET', '/proxy/never'));
  await eventually(() => pair.requestsFor('/never').length === 1, 'the request is at the upstream');
  return client;
}

async function secondsLeft(gateway: Gateway): Promise<number> {
  const { json } = await call(gateway, 'GET /admin/status');
  expect(json['verdict']).toBe('draining');
  const [reason = ''] = json['reasons'] as string[];
  return Number(/^still serving for (\d+) s$/.exec(reason)?.[1]);
}

describeFronts('DRAIN_DELAY_SECONDS', (front) => {
  it('an idle gateway goes on serving new connections, and says everywhere that it will end', async () => {
    await using pair = await startPair({ front, env: LONG });
    const { gateway, port } = pair;
    using reader = await readEvents(gateway);
    using idle = await rawClient(port);
    using kept = await rawClient(port);
    kept.send(requestText('GET', '/proxy/first'));
    expect(valueOf(await messageAt(kept, 0), 'connection')).toBeUndefined();

    gateway.process.kill('SIGTERM');
    expect(await gateway.waitForLog(({ msg }) => msg === DELAY)).toMatchObject({ delayMs: 600_000, reason: 'SIGTERM' });
    await notReady(port);
    await quietFor(700, 'without a delay the port would be closed by now');
    expect(await answerOf(port, requestText('GET', '/health'))).toEqual([200, 'close']);
    expect(await answerOf(port, requestText('GET', '/proxy/late'))).toEqual([200, 'close']);
    const post = requestText('POST', '/proxy/late', ['Content-Length: 5']);
    expect(await answerOf(port, `${post}12345`)).toEqual([200, 'close']);
    expect(await secondsLeft(gateway)).toBeGreaterThan(500);
    expect((await reader.when(({ type }) => type === 'drain')).message).toBe('draining, still serving for 600 s');
    expect((await call(gateway, 'GET /ready')).json).toMatchObject({ status: 503, code: 'draining' });
    expect((await call(gateway, 'GET /health')).json).toEqual({ status: 'ok' });

    // Those that were there before are still there, and are told with their next answer.
    kept.send(requestText('GET', '/proxy/second'));
    expect(valueOf(await messageAt(kept, 1), 'connection')).toBe('close');
    await kept.closed();
    idle.send(requestText('GET', '/proxy/third'));
    expect(valueOf(await messageAt(idle, 0), 'connection')).toBe('close');

    expect((await call(gateway, 'POST /admin/reload')).json).toMatchObject({ code: 'draining' });
    gateway.process.kill('SIGHUP');
    await gateway.waitForLog(({ msg }) => String(msg).startsWith('SIGHUP: the process is about to end'));
    using watch = stopwatch();
    gateway.process.kill('SIGTERM');
    expect(await exitOf(gateway.process)).toBe(0);
    expect(watch.ms()).toBeLessThan(5_000);
  });

  it('when it is over the port closes, what is in flight may finish, and a hung request ends with DRAIN_TIMEOUT', async () => {
    const env = { DRAIN_DELAY_SECONDS: '2', DRAIN_TIMEOUT_SECONDS: '3' };
    await using pair = await startPair({ front, env });
    const { gateway, port } = pair;
    using hung = await hold(pair);
    using reader = await readEvents(gateway);
    using watch = stopwatch();
    const startedMs = performance.now();
    gateway.process.kill('SIGTERM');
    await gateway.waitForLog(({ msg }) => msg === 'the port for clients is closed');
    expect(performance.now() - startedMs).toBeGreaterThan(1_990);
    await eventually(() => isRefused(port), 'connections are refused');
    await reader.over; // readers may watch until then
    expect(reader.events.at(-1)).toMatchObject({ type: 'drain', message: 'the port for clients is closed' });
    const { json } = await call(gateway, 'GET /admin/status');
    expect((json['reasons'] as string[])[0]).toBe('the process is about to end');
    expect(statusOf(await messageAt(hung, 0))).toBe(503);
    expect(await exitOf(gateway.process)).toBe(0);
    expect(watch.ms()).toBeLessThan(2_000 + 3_000 + 5_000);
  });

  it('POST /admin/drain is the same', async () => {
    await using pair = await startPair({ front, env: LONG });
    const { status, json } = await call(pair.gateway, 'POST /admin/drain');
    expect([status, json]).toEqual([202, { draining: true, delaySeconds: 600, deadlineSeconds: 630 }]);
    await pair.gateway.waitForLog(({ msg }) => msg === DELAY);
    await notReady(pair.port);
    expect(await secondsLeft(pair.gateway)).toBeGreaterThan(500);
    expect(await answerOf(pair.port, requestText('GET', '/proxy/late'))).toEqual([200, 'close']);
    pair.gateway.process.kill('SIGKILL');
  });
});

/** Whether nobody listens any more; the kernel takes a connection that comes just before. */
async function isRefused(port: number): Promise<boolean> {
  try {
    using _ = await rawClient(port);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ECONNREFUSED';
  }
}

it.each(FRONTS)('with TLS it is the same (%s)', async (front) => {
  using authority = createAuthority();
  const { certFile, keyFile } = authority.issue('IP:127.0.0.1');
  const env = { ...LONG, TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile };
  await using pair = await startPair({ front, env });
  const ca = readFileSync(authority.caFile);
  const secure = (path: string): Promise<(number | string | undefined)[]> =>
    new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port: pair.port, path, ca, agent: new Agent({ keepAlive: true }) }, (answer) => {
        answer.resume().once('end', () => resolve([answer.statusCode, answer.headers.connection]));
      })
        .once('error', reject)
        .end();
    });
  expect(await secure('/ready')).toEqual([200, undefined]);
  pair.gateway.process.kill('SIGTERM');
  await pair.gateway.waitForLog(({ msg }) => msg === DELAY);
  await eventually(async () => (await secure('/ready'))[0] === 503, '/ready says no');
  await quietFor(700, 'without a delay the port would be closed by now');
  expect(await secure('/proxy/late')).toEqual([200, 'close']);
});

/** What only the native front can do. */
it('HTTP/1.0 with keep-alive is told to close, and pipelined requests with the last answer', async () => {
  await using pair = await startPair({ front: 'native', env: LONG });
  const { gateway, port } = pair;
  using old = await rawClient(port);
  const request = 'GET /proxy/a HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n';
  old.send(request);
  expect(valueOf(await messageAt(old, 0), 'connection')).toBe('keep-alive');
  gateway.process.kill('SIGTERM');
  await notReady(port);
  old.send(request);
  expect(valueOf(await messageAt(old, 1), 'connection')).toBe('close');
  await old.closed();
  using pipelined = await rawClient(port);
  pipelined.send(requestText('GET', '/proxy/b') + requestText('GET', '/proxy/c'));
  await pipelined.closed();
  const answers = [await messageAt(pipelined, 0), await messageAt(pipelined, 1)];
  expect(answers.map((answer) => [statusOf(answer), valueOf(answer, 'connection')])).toEqual([
    [200, undefined],
    [200, 'close'],
  ]);
  gateway.process.kill('SIGKILL');
});

it('a request whose head comes slowly is not lost when the process is quiet otherwise', async () => {
  await using pair = await startPair({ front: 'native', env: { DRAIN_DELAY_SECONDS: '0.5' } });
  using slow = await rawClient(pair.port);
  slow.send('GET /proxy/slow HTTP/1.1\r\nHost');
  await quietFor(100, 'it has reached the gateway');
  pair.gateway.process.kill('SIGTERM');
  await pair.gateway.waitForLog(({ msg }) => msg === 'the port for clients is closed');
  await quietFor(3_000, 'longer than connections are kept on which nothing comes');
  slow.send(': a\r\n\r\n');
  const answer = await messageAt(slow, 0);
  expect([statusOf(answer), valueOf(answer, 'connection')]).toEqual([200, 'close']);
  expect(await exitOf(pair.gateway.process)).toBe(0);
});

it('a thread that fails while it still serves is replaced, and the other says too that it ends', async () => {
  await using pair = await startPair({ front: 'native', env: { ...LONG, GATEWAY_TEST_FAULTS: 'on' } });
  const { gateway, port } = pair;
  gateway.process.kill('SIGTERM');
  await notReady(port);
  await ask(port, requestText('GET', '/proxy/x', ['X-Gateway-Test-Fault: throw-later'])).catch(() => undefined);
  await eventually(async () => {
    const { json } = await call(gateway, 'GET /admin/status');
    const threads = json['threads'] as { state: string }[];
    return json['threadRestarts'] === 1 && threads.some(({ state }) => state === 'serving');
  }, 'another thread serves');
  expect(await answerOf(port, requestText('GET', '/ready'))).toEqual([503, 'close']);
  expect(await answerOf(port, requestText('GET', '/proxy/y'))).toEqual([200, 'close']);
});

it('the parent passes the signal on, waits for the delay, and ends with the code of the front', async () => {
  const env = { DRAIN_DELAY_SECONDS: '6', DRAIN_TIMEOUT_SECONDS: '0.5' };
  await using pair = await startPair({ as: 'supervised', env });
  pair.answers.set('/slow', () => answerText('whole'));
  pair.gateway.process.kill('SIGTERM');
  await pair.gateway.waitForLog(({ msg }) => msg === 'gateway draining, still serving for 6 s');
  expect(await answerOf(pair.port, requestText('GET', '/proxy/slow'))).toEqual([200, 'close']);
  expect(await exitOf(pair.gateway.process)).toBe(0);
  expect(pair.gateway.log.some(({ msg }) => String(msg).includes('killing it'))).toBe(false);
});

it('when the parent is gone the front serves no longer', async () => {
  await using pair = await startPair({ as: 'supervised', env: LONG });
  using kept = await rawClient(pair.port);
  pair.gateway.process.kill('SIGTERM');
  await pair.gateway.waitForLog(({ msg }) => msg === DELAY);
  pair.gateway.process.kill('SIGKILL');
  await kept.closed();
  await eventually(() => isRefused(pair.port), 'connections are refused');
});
