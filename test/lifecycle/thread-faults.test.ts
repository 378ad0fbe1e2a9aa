import { expect, it } from 'vitest';
import { describeThreadedFronts } from '../support/fronts.ts';
import { ask, requestText, statusOf, valueOf } from '../support/http.ts';
import { startPair } from '../support/pair.ts';
import { send, startLoad } from './load.ts';
import { eventually, quietFor, stopwatch } from '../support/wait.ts';

const env = { WORKERS: '2', GATEWAY_TEST_FAULTS: 'on' };

const fault = (kind: string): string => requestText('GET', '/proxy/fault', [`X-Gateway-Test-Fault: ${kind}`]);

const message = (text: string) => (line: Readonly<Record<string, unknown>>) => line['msg'] === text;

const SILENT = message('request thread is silent: it gets no new connections');
const BACK = message('request thread is back: it gets connections again');
const SERVES = message('request thread serves');
const ENDED = message('request thread ended');

describeThreadedFronts('fault drills', (front) => {
  it('are off unless the gateway was started for them', async () => {
    await using pair = await startPair({ front });
    expect(statusOf(await ask(pair.port, fault('throw')))).toBe(200);
  });

  it('a handler that throws: a 500 that says nothing, and no other request notices', async () => {
    await using pair = await startPair({ front, env });
    const { gateway, port } = pair;
    await using load = startLoad({ ports: [port], path: '/proxy/ok' });
    await load.more(50);
    for (let i = 0; i < 10; i++) {
      const answer = await ask(port, fault('throw'));
      expect([statusOf(answer), valueOf(answer, 'connection')]).toEqual([500, 'close']);
      expect(JSON.parse(answer.body)).toMatchObject({ code: 'internal_error' });
      expect(answer.body).not.toMatch(/test fault|\.js|at /);
      const logged = await gateway.waitForLog(
        (line) => line['msg'] === 'exchange failed' && line['request_id'] === valueOf(answer, 'x-request-id'),
      );
      expect(logged).toMatchObject({ level: 'error', err: { message: 'test fault: the handler throws' } });
    }
    await load.more(50);
    await load.stop();
    expect(load.failures).toEqual([]);
    expect(gateway.log.filter(SERVES)).toHaveLength(2);
  });

  it('an exception outside any exchange: the thread finishes what it has and is replaced', async () => {
    await using pair = await startPair({ front, env });
    const { gateway, port, answers, upstream } = pair;
    answers.set('/slow', () => '');
    // One on each thread, so that one of them is on the thread that fails.
    const slow = [ask(port, requestText('GET', '/proxy/slow')), ask(port, requestText('GET', '/proxy/slow'))];
    await eventually(() => pair.requestsFor('/slow').length === 2, 'both are at the upstream');
    await using load = startLoad({ ports: [port], path: '/proxy/ok' });
    await using fresh = startLoad({ ports: [port], path: '/proxy/ok', clients: 2, newConnections: true });
    await load.more(50);

    expect(statusOf(await ask(port, fault('throw-later')))).toBe(200);
    const failed = await gateway.waitForLog(message('request thread failed; it is replaced'));
    expect(failed).toMatchObject({ level: 'error', err: { message: 'test fault: thrown outside any handler' } });
    await eventually(() => gateway.log.filter(SERVES).length === 3, 'another thread serves');
    expect(gateway.log.some(ENDED)).toBe(false);
    await load.more(50);
    await fresh.more(20);

    for (const connection of upstream.connections) {
      if (!connection.received().includes('GET /slow')) continue;
      connection.send('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole');
    }
    expect((await Promise.all(slow)).map((answer) => answer.body)).toEqual(['whole', 'whole']);
    await gateway.waitForLog(ENDED);
    await load.more(50);
    await Promise.all([load.stop(), fresh.stop()]);
    expect([...load.failures, ...fresh.failures]).toEqual([]);
    const status = await send(gateway.adminPort, { path: '/admin/status' });
    const { threads } = JSON.parse(status.body) as { threads: { state: string }[] };
    expect(threads.map(({ state }) => state)).toEqual(['serving', 'serving']);
  });

  it('a thread blocked for 6 s: new connections go to the other, and it comes back', async () => {
    await using pair = await startPair({ front, env });
    const { gateway, port } = pair;
    const blocked = ask(port, fault('block:6000'));
    using watch = stopwatch();
    await gateway.waitForLog(SILENT);
    expect(watch.ms()).toBeLessThan(3_000);
    await using fresh = startLoad({ ports: [port], path: '/proxy/ok', clients: 4, newConnections: true });
    await fresh.more(40, 1_000);
    expect(gateway.log.some(BACK)).toBe(false);
    expect((await send(port, { path: '/health' })).status).toBe(200);

    expect(statusOf(await blocked)).toBe(200);
    await gateway.waitForLog(BACK);
    await fresh.more(40);
    await fresh.stop();
    expect(fresh.failures).toEqual([]);
    expect(gateway.log.filter(SERVES)).toHaveLength(2);
    // Both take connections again.
    const ids = await Promise.all(
      Array.from({ length: 4 }, async () => valueOf(await ask(port, requestText('GET', '/health')), 'x-request-id')),
    );
    expect(new Set(ids.map((id) => id?.split('-')[0])).size).toBe(2);
  });

  it('an upstream that answered while the thread was blocked was not late', async () => {
    await using pair = await startPair({
      front,
      env: { GATEWAY_TEST_FAULTS: 'on', RESPONSE_HEADERS_TIMEOUT_SECONDS: '1', CONNECT_TIMEOUT_SECONDS: '1' },
    });
    const { port, answers, upstream } = pair;
    answers.set('/waited-for', () => '');
    const waitedFor = ask(port, requestText('GET', '/proxy/waited-for'));
    const connection = await upstream.connection(0);
    await connection.until('\r\n\r\n');
    const blocked = ask(port, fault('block:1600'));
    await quietFor(300, 'by then it is blocked');
    connection.send('HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nin time');
    expect(statusOf(await blocked)).toBe(200);
    expect((await waitedFor).body).toBe('in time');
  });
});
