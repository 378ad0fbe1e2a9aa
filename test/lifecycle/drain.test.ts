import { expect, it } from 'vitest';
import { answerText, ask, messageAt, requestText, statusOf, valueOf } from '../support/http.ts';
import { describeFronts } from '../support/fronts.ts';
import { startPair } from '../support/pair.ts';
import { rawClient } from '../support/raw.ts';
import type { RawConnection } from '../support/raw.ts';
import { eventually, stopwatch } from '../support/wait.ts';
import { counts } from './load.ts';
import { exitOf } from './run.ts';

const draining = (line: Readonly<Record<string, unknown>>): boolean => line['msg'] === 'gateway draining';

describeFronts('draining', (front) => {
  it('SIGTERM: not ready, keep-alive ends with the next answer, what is in flight finishes, exit 0', async () => {
    await using pair = await startPair({ front, env: { WORKERS: '2' } });
    const { gateway, port, answers } = pair;
    // Held back until the test sends it.
    const held: RawConnection[] = [];
    answers.set('/slow', (_request, upstream) => {
      held.push(upstream);
      return '';
    });
    using slow = await rawClient(port);
    slow.send(requestText('GET', '/proxy/slow'));
    using kept = await rawClient(port);
    kept.send(requestText('GET', '/proxy/first'));
    expect(valueOf(await messageAt(kept, 0), 'connection')).toBeUndefined();
    using idle = await rawClient(port);
    await eventually(() => held.length === 1, 'the slow request is at the upstream');
    // Without a connection there is nobody to warn, and the port closes at once.
    await eventually(async () => (await counts(gateway.adminPort)).connections === 3, 'the front knows of them');

    gateway.process.kill('SIGTERM');
    await gateway.waitForLog(draining);

    // Connections still come for a moment, so that a balancer's probe gets an answer.
    let ready = await ask(port, requestText('GET', '/ready'));
    // The front says that it drains before the threads have heard of it.
    while (statusOf(ready) === 200) ready = await ask(port, requestText('GET', '/ready'));
    const [health, late] = await Promise.all(
      ['/health', '/proxy/late'].map((path) => ask(port, requestText('GET', path))),
    );
    expect([ready, health, late].map((answer) => answer && [statusOf(answer), valueOf(answer, 'connection')])).toEqual([
      [503, 'close'],
      [200, 'close'],
      [200, 'close'],
    ]);
    expect(ready.body).toBe('{"status":"draining"}\n');

    kept.send(requestText('GET', '/proxy/second'));
    const second = await messageAt(kept, 1);
    expect([statusOf(second), valueOf(second, 'connection')]).toEqual([200, 'close']);
    await kept.closed();

    // The listening socket goes while the slow exchange stays.
    await eventually(async () => await isRefused(port), 'the port is closed');
    expect(gateway.process.exitCode).toBeNull();
    expect(slow.received()).toBe('');

    held[0]?.send(answerText('late but whole'));
    const answer = await messageAt(slow, 0);
    expect([statusOf(answer), answer.body, valueOf(answer, 'connection')]).toEqual([200, 'late but whole', 'close']);
    await idle.closed();
    expect(await exitOf(gateway.process)).toBe(0);
    expect(await gateway.waitForLog((line) => line['msg'] === 'gateway stopped')).toMatchObject({ exitCode: 0 });
    expect(gateway.log.some((line) => line['level'] === 'error')).toBe(false);
  });

  it('a body that is on its way either direction when SIGTERM comes arrives whole', async () => {
    await using pair = await startPair({ front });
    const { gateway, port, answers } = pair;
    const held: RawConnection[] = [];
    answers.set('/download', (_request, upstream) => {
      held.push(upstream);
      return 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n';
    });
    using download = await rawClient(port);
    download.send(requestText('GET', '/proxy/download'));
    await download.until('first');
    using upload = await rawClient(port);
    const gathered = '#'.repeat(64 * 1024); // before that the upstream hears nothing
    upload.send(`${requestText('POST', '/proxy/upload', [`Content-Length: ${gathered.length + 10}`])}${gathered}01234`);
    const arrived = (): boolean => pair.upstream.connections.some((each) => each.received().endsWith('01234'));
    await eventually(arrived, 'half of the upload is at the upstream');

    gateway.process.kill('SIGTERM');
    await eventually(async () => await isRefused(port), 'the port is closed');
    upload.send('56789');
    expect(statusOf(await messageAt(upload, 0))).toBe(200);
    expect(pair.requestsFor('/upload').map(({ body }) => body)).toEqual([`${gathered}0123456789`]);
    held[0]?.send('6\r\nsecond\r\n0\r\n\r\n');
    expect((await messageAt(download, 0)).body).toBe('firstsecond');
    expect(await exitOf(gateway.process)).toBe(0);
  });

  it('the deadline cuts what is left, says so, and the process ends with 0', async () => {
    await using pair = await startPair({ front, env: { DRAIN_TIMEOUT_SECONDS: '1' } });
    pair.answers.set('/begun', () => 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this');
    pair.answers.set('/never', () => '');
    using begun = await rawClient(pair.port);
    begun.send(requestText('GET', '/proxy/begun'));
    await begun.until('only this');
    using never = await rawClient(pair.port);
    never.send(requestText('GET', '/proxy/never'));
    await eventually(() => pair.requestsFor('/never').length === 1, 'the request is at the upstream');

    const startedMs = performance.now();
    using watch = stopwatch();
    pair.gateway.process.kill('SIGTERM');
    const refused = await messageAt(never, 0);
    expect([statusOf(refused), valueOf(refused, 'connection')]).toEqual([503, 'close']);
    expect(JSON.parse(refused.body)).toMatchObject({ code: 'draining' });
    // An answer that has begun can only be cut: a client must not take it for the whole.
    expect(await begun.closed()).toMatch(/only this$/);
    expect(await exitOf(pair.gateway.process)).toBe(0);
    const tookMs = performance.now() - startedMs;
    expect(tookMs).toBeGreaterThan(1_000);
    expect(watch.ms()).toBeLessThan(10_000); // the default would be 30 s
    expect(await pair.gateway.waitForLog((line) => line['msg'] === 'exchanges were cut off')).toMatchObject({
      aborted: 2,
    });
  });
});

async function isRefused(port: number): Promise<boolean> {
  try {
    using client = await rawClient(port);
    client.socket.destroy();
    return false;
  } catch {
    return true;
  }
}
