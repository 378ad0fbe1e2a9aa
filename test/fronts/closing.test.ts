import { afterAll, beforeAll, expect } from 'vitest';
import { answerText, messageAt, requestText, statusOf, valueOf } from '../support/http.ts';
import { describeFronts } from '../support/fronts.ts';
import { startPair } from '../support/pair.ts';
import type { Pair } from '../support/pair.ts';
import { rawClient } from '../support/raw.ts';
import type { RawConnection } from '../support/raw.ts';
import { eventually, quietFor, stopwatch } from '../support/wait.ts';
import { rulesOn } from './differences.ts';
import { answersOn, freshPath, hold, lastAnswer, settled } from './setup.ts';

const STREAM_HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n';
const MiB = 1024 * 1024;

const get = (path: string, fields: readonly string[] = []): string => requestText('GET', `/proxy${path}`, fields);

/** Sends in pieces of 64 KB, as fast as they are taken, for as long as the connection stands. */
function pour(client: RawConnection, bytes: number): { taken: () => number } {
  const piece = Buffer.alloc(64 * 1024, 'p');
  let taken = 0;
  const next = (): void => {
    if (taken >= bytes || client.socket.destroyed) return;
    client.socket.write(piece, (error) => {
      if (error) return;
      taken += piece.length;
      next();
    });
  };
  next();
  return { taken: () => taken };
}

/** It ended with a FIN: a reset may take away an answer the client has not read yet. */
const expectNoReset = (client: RawConnection): void => expect(client.socket.errored, 'no reset').toBeNull();

describeFronts('how a connection ends', (front) => {
  const rule = rulesOn(front);
  let pair: Pair;
  beforeAll(async () => {
    pair = await startPair({ front, env: { HALF_CLOSE_SECONDS: '1' } });
  });
  afterAll(() => pair[Symbol.asyncDispose]());

  for (const options of ['close', 'CLOSE', 'close, TE', 'TE, close', 'keep-alive, close']) {
    rule(
      options.includes(',') ? 'close-in-list' : 'close',
      `Connection: ${options} is honoured, and said`,
      async () => {
        using client = await rawClient(pair.port);
        client.send(get(freshPath(), [`Connection: ${options}`]));
        const answer = await lastAnswer(client);
        expect([statusOf(answer), valueOf(answer, 'connection')?.toLowerCase()]).toEqual([200, 'close']);
        expectNoReset(client);
      },
    );
  }

  rule('close', 'Connection: close in an answer of the gateway itself', async () => {
    using client = await rawClient(pair.port);
    client.send(requestText('GET', '/nowhere', ['Connection: close']));
    const answer = await lastAnswer(client);
    expect([statusOf(answer), valueOf(answer, 'connection')?.toLowerCase()]).toEqual([404, 'close']);
  });

  rule('close-then-request', 'what stands behind a request with Connection: close is not served', async () => {
    const [one, two] = [freshPath(), freshPath()];
    using client = await rawClient(pair.port);
    client.send(get(one, ['Connection: close']) + get(two));
    expect(statusOf(await lastAnswer(client))).toBe(200);
    await settled(pair);
    expect([pair.requestsFor(one).length, pair.requestsFor(two).length]).toEqual([1, 0]);
  });

  rule('half-closed', 'a client that has shut down its sending side gets its answer', async () => {
    const path = freshPath();
    const held = hold(pair, path);
    using client = await rawClient(pair.port);
    client.socket.end(get(path));
    await eventually(held.asked, 'the request');
    await settled(pair);
    await held.answer(answerText('late'));
    const answer = await lastAnswer(client);
    expect([statusOf(answer), answer.body]).toEqual([200, 'late']);
  });

  rule('half-closed', 'several requests, then the end: all answers', async () => {
    using client = await rawClient(pair.port);
    client.socket.end([freshPath(), freshPath(), freshPath()].map((path) => get(path)).join(''));
    await client.closed();
    expect((await answersOn(client, 3)).map(statusOf)).toEqual([200, 200, 200]);
  });

  rule('half-closed', 'it waits for HALF_CLOSE_SECONDS, not longer', async () => {
    const path = freshPath();
    const held = hold(pair, path);
    using client = await rawClient(pair.port);
    const startMs = performance.now();
    client.socket.end(get(path));
    const upstream = await held.answer('');
    using watch = stopwatch();
    await upstream.closed();
    expect(performance.now() - startMs).toBeGreaterThan(700);
    expect(watch.ms()).toBeLessThan(3_000);
  });

  rule('half-closed-head', 'once the header is there, a half-closed client gets all of the body', async () => {
    const path = freshPath();
    const held = hold(pair, path);
    using client = await rawClient(pair.port);
    client.send(get(path));
    await held.answer('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello');
    await client.until('hello');
    client.socket.end();
    await quietFor(2_500, 'more than twice HALF_CLOSE_SECONDS');
    await held.answer('world');
    expect((await lastAnswer(client)).body).toBe('helloworld');
  });

  rule('stream-fin', 'an event stream ends when its client has ended', async () => {
    const path = freshPath();
    const held = hold(pair, path);
    using client = await rawClient(pair.port);
    client.send(get(path));
    await held.answer(`${STREAM_HEAD}7\r\ndata: 1\r\n`);
    await client.until('data: 1');
    client.socket.end();
    await (await held.answer('')).closed(900);
  });

  rule('reset', 'a client that resets its connection ends its exchange at once', async () => {
    const path = freshPath();
    const held = hold(pair, path);
    using client = await rawClient(pair.port);
    client.send(get(path));
    const upstream = await held.answer('');
    client.socket.resetAndDestroy();
    await upstream.closed(700);
  });

  rule('chunked', 'an answer that comes before a chunked upload is whole reaches a client that goes on', async () => {
    const path = freshPath();
    using client = await rawClient(pair.port);
    client.send(requestText('POST', `/proxy${path}`, ['Transfer-Encoding: chunked']) + '5\r\nhello\r\n');
    const find = () => pair.upstream.connections.find((each) => each.received().includes(` ${path} `));
    await eventually(() => find() !== undefined, 'the request');
    find()?.socket.end('HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno');
    for (let i = 0; i < 8; i++) client.send(`10000\r\n${'x'.repeat(0x10000)}\r\n`);
    const answer = await messageAt(client, 0);
    expect([statusOf(answer), answer.body]).toEqual([413, 'no']);
    client.send('0\r\n\r\n');
    await settled(pair);
    expectNoReset(client);
  });

  rule('early-answer', 'the same for an upload with a length', async () => {
    const path = freshPath();
    using client = await rawClient(pair.port);
    const gathered = Buffer.alloc(64 * 1024); // before that the upstream hears nothing
    client.send(requestText('POST', `/proxy${path}`, [`Content-Length: ${gathered.length + MiB / 2}`]));
    client.send(gathered);
    const find = () => pair.upstream.connections.find((each) => each.received().includes(` ${path} `));
    await eventually(() => find() !== undefined, 'the request');
    find()?.socket.end('HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno');
    const sent = pour(client, MiB / 2);
    const answer = await messageAt(client, 0);
    expect([statusOf(answer), answer.body]).toEqual([413, 'no']);
    await eventually(() => sent.taken() === MiB / 2, 'the rest of the body is taken');
    expectNoReset(client);
  });

  for (const [id, name, head, status] of [
    ['lingers', 'a body that is too large', requestText('POST', '/proxy/x', ['Content-Length: 1000000000']), 413],
    ['lingers-400', 'a bad Host', 'POST /proxy/x HTTP/1.1\r\nHost: a b\r\nContent-Length: 1000000\r\n\r\n', 400],
  ] as const) {
    rule(id, `${name}: the refusal arrives although the client goes on sending`, async () => {
      using client = await rawClient(pair.port);
      client.socket.pause(); // as a client that reads only when it has sent all
      client.send(head);
      await settled(pair); // it is refused, and only then sends on
      const sent = pour(client, MiB / 2);
      await eventually(() => sent.taken() === MiB / 2 || client.socket.errored !== null, 'half a MiB is taken');
      expectNoReset(client);
      client.socket.resume();
      const answer = await messageAt(client, 0);
      expect([statusOf(answer), valueOf(answer, 'connection')?.toLowerCase()]).toEqual([status, 'close']);
      client.socket.end();
      await client.closed();
      expectNoReset(client);
    });
  }

  rule('lingers-bounded', 'a client that never stops sending is not read for ever', async () => {
    using client = await rawClient(pair.port);
    client.send('POST /proxy/x HTTP/1.1\r\nHost: a b\r\nContent-Length: 100000000000\r\n\r\n');
    const sent = pour(client, 1024 * MiB);
    await client.closed(6_000);
    // 1 MiB is read and dropped; the rest lies in buffers of the kernel.
    expect(sent.taken()).toBeLessThan(64 * MiB);
  });
});

describeFronts('a front does not wait for ever', (front) => {
  const rule = rulesOn(front);
  let pair: Pair;
  beforeAll(async () => {
    const env = { IDLE_TIMEOUT_SECONDS: '1', BODY_IDLE_TIMEOUT_SECONDS: '0.5', ACCESS_LOG: 'on' };
    pair = await startPair({ front, env });
  });
  afterAll(() => pair[Symbol.asyncDispose]());

  const counted = async (code: string): Promise<number> => {
    const text = await (await fetch(`${pair.gateway.adminUrl}/metrics`)).text();
    return Number(new RegExp(`^http_refused_total\\{[^}]*code="${code}"[^}]*\\} (\\d+)$`, 'm').exec(text)?.[1]);
  };
  const once = (code: string, before: number) =>
    eventually(async () => (await counted(code)) === before + 1, `${code} counted once`);

  rule('idle', 'an idle connection is closed without a word', async () => {
    using client = await rawClient(pair.port);
    client.send(get('/idle'));
    expect(statusOf(await messageAt(client, 0))).toBe(200);
    await client.closed(10_000);
    using silent = await rawClient(pair.port);
    expect(await silent.closed(10_000)).toBe('');
  });

  rule('idle-counted', 'an idle connection that is closed is counted', async () => {
    const before = await counted('idle');
    using silent = await rawClient(pair.port);
    await silent.closed(10_000);
    await once('idle', before);
  });

  rule('slow-body', 'a body that stops coming: 408, then a close', async () => {
    using client = await rawClient(pair.port);
    client.send(`${requestText('POST', '/proxy/stops', ['Content-Length: 10'])}half`);
    const answer = await lastAnswer(client);
    expect([statusOf(answer), JSON.parse(answer.body).code]).toEqual([408, 'request_timeout']);
    expect(valueOf(answer, 'connection')?.toLowerCase()).toBe('close');
    const id = valueOf(answer, 'x-request-id');
    await pair.gateway.waitForLog((line) => line['request_id'] === id && line['outcome'] === 'request_timeout');
  });

  rule('slow-header', 'a header that does not become whole: 408, closed, and counted', async () => {
    const before = await counted('header_timeout');
    using client = await rawClient(pair.port);
    client.send('GET /proxy/x HTTP/1.1\r\nHost: gateway.test\r\n');
    const dripping = setInterval(() => client.send('X-A: b\r\n'), 200);
    try {
      await client.closed(20_000);
    } finally {
      clearInterval(dripping);
    }
    const answer = await lastAnswer(client);
    expect([statusOf(answer), JSON.parse(answer.body).code]).toEqual([408, 'header_timeout']);
    await once('header_timeout', before);
  });

  rule('chunked', 'a stream of chunks that stops is closed as well', async () => {
    using client = await rawClient(pair.port);
    client.send(`${requestText('POST', '/proxy/stops', ['Transfer-Encoding: chunked'])}5\r\nhel`);
    expect(statusOf(await lastAnswer(client))).toBe(408);
  });

  rule('stall', 'a client that does not read its answer is let go', async () => {
    // Idle time is the client's, too: it must not end this first.
    await using own = await startPair({ front, env: { BODY_IDLE_TIMEOUT_SECONDS: '0.5', ACCESS_LOG: 'on' } });
    const held = hold(own, '/large');
    using client = await rawClient(own.port);
    client.socket.pause();
    client.send(get('/large'));
    const upstream = await held.answer(answerText('x'.repeat(48 * MiB)));
    await upstream.closed(10_000);
    await own.gateway.waitForLog((line) => line['outcome'] === 'client_stalled');
  });
});
