import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerText, ask, messageAt, requestText, statusOf } from '../support/http.ts';
import { startPair } from '../support/pair.ts';
import type { Pair } from '../support/pair.ts';
import { rawClient } from '../support/raw.ts';
import type { RawConnection } from '../support/raw.ts';
import { eventually } from '../support/wait.ts';

/** So much of a body is here before the upstream hears of it. */
const GATHERED = '#'.repeat(64 * 1024);

let pair: Pair;
beforeAll(async () => {
  pair = await startPair({ env: { IDLE_TIMEOUT_SECONDS: '1' } });
});
afterAll(() => pair[Symbol.asyncDispose]());

/** The upstream's connection that serves the path, once it has come. */
async function serving(path: string): Promise<RawConnection> {
  const find = () => pair.upstream.connections.find((each) => each.received().includes(` ${path} `));
  await eventually(() => find() !== undefined, `a request for ${path}`);
  const found = find();
  if (found === undefined) throw new Error('unreachable');
  return found;
}

describe.concurrent('exchanges that take their time', () => {
  it('server-sent events come one by one, each before the next is sent', async () => {
    pair.answers.set(
      '/sse',
      () => 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n',
    );
    using client = await rawClient(pair.port);
    client.send(requestText('GET', '/proxy/sse'));
    const upstream = await serving('/sse');
    for (let n = 0; n < 5; n++) {
      const event = `data: ${n}\n\n`;
      upstream.send(`${event.length.toString(16)}\r\n${event}\r\n`);
      await client.until(event, 1_000);
    }
    upstream.send('0\r\n\r\n');
    expect((await messageAt(client, 0)).body).toBe([0, 1, 2, 3, 4].map((n) => `data: ${n}\n\n`).join(''));
  });

  it('events without framing (until the connection closes) come one by one too', async () => {
    pair.answers.set('/events', () => 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n');
    using client = await rawClient(pair.port);
    client.send(requestText('GET', '/proxy/events'));
    const upstream = await serving('/events');
    for (const event of ['one', 'two']) {
      upstream.send(event);
      await client.until(event, 1_000);
    }
    upstream.socket.end();
    expect((await messageAt(client, 0)).body).toBe('onetwo');
  });

  it('an upload goes on piece by piece, each before the next is sent', async () => {
    using client = await rawClient(pair.port);
    client.send(requestText('POST', '/proxy/pieces', [`Content-Length: ${GATHERED.length + 9}`]) + GATHERED);
    const upstream = await serving('/pieces'); // before the rest of the body
    for (const piece of ['abc', 'def', 'ghi']) {
      client.send(piece);
      await upstream.until(piece, 1_000);
    }
    expect(statusOf(await messageAt(client, 0))).toBe(200);
  });

  it.each([
    { when: 'waiting for the answer', path: '/gone-head', body: '', answer: '' },
    { when: 'in the middle of an upload', path: '/gone-upload', body: GATHERED, answer: '' },
    {
      when: 'in the middle of the answer',
      path: '/gone-body',
      body: '',
      answer: 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf',
    },
  ])('a client that leaves while $when takes its upstream request along', async ({ path, body, answer }) => {
    pair.answers.set(path, () => answer);
    using client = await rawClient(pair.port);
    client.send(requestText('POST', `/proxy${path}`, [`Content-Length: ${body === '' ? 0 : body.length + 10}`]) + body);
    const upstream = await serving(path);
    await upstream.until(body);
    if (answer !== '') await client.until('half');
    client.socket.resetAndDestroy();
    await upstream.closed(2_000);
  });

  it('a client that leaves its chunked upload politely does too', async () => {
    using client = await rawClient(pair.port);
    client.send(requestText('POST', '/proxy/gone-chunks', ['Transfer-Encoding: chunked']) + '3\r\nabc\r\n');
    const upstream = await serving('/gone-chunks');
    await upstream.until('abc');
    client.socket.end();
    await upstream.closed(2_000);
    expect(pair.requestsFor('/gone-chunks')).toEqual([]);
  });

  it('an upload far slower than uWebSockets.js itself would allow survives', async () => {
    // Without pause and resume it cuts a body below about 16 KiB/s after the idle time-out: here after eight seconds.
    const body = 'abcdefghijklmnopqrst';
    using client = await rawClient(pair.port);
    client.send(requestText('POST', '/proxy/drip', [`Content-Length: ${body.length}`]));
    let sent = 0;
    const dripping = setInterval(() => {
      if (sent < body.length) client.send(body[sent++] ?? '');
    }, 500);
    const answer = await messageAt(client, 0, { timeoutMs: 20_000 }).finally(() => clearInterval(dripping));
    expect(statusOf(answer)).toBe(200);
    expect(pair.requestsFor('/drip')[0]?.body).toBe(body);
  });
});

describe('pipelining and keep-alive', () => {
  it('a hundred requests one after another on one connection get their own answers', async () => {
    pair.answers.set('/own', (request) => answerText(request.startLine));
    using client = await rawClient(pair.port);
    client.send(requestText('GET', '/proxy/own?0'));
    for (let i = 0; i < 100; i++) {
      expect((await messageAt(client, i)).body).toBe(`GET /own?${i} HTTP/1.1`);
      client.send(requestText('GET', `/proxy/own?${i + 1}`));
    }
  });

  it('pipelined requests never get another’s answer: in order, or the connection ends', async () => {
    pair.answers.set('/own', (request) => answerText(`<${request.startLine}>`));
    using client = await rawClient(pair.port);
    client.send([1, 2, 3].map((i) => requestText('GET', `/proxy/own?p${i}`)).join(''));
    await client.when((text) => text.includes('p3')).catch(() => undefined);
    const bodies = client.received().match(/<GET [^>]*>/g) ?? [];
    expect(bodies).toEqual([1, 2, 3].slice(0, bodies.length).map((i) => `<GET /own?p${i} HTTP/1.1>`));
    expect(client.received().split('HTTP/1.1 200 OK').length - 1).toBe(bodies.length);
    // Nobody else is harmed.
    expect((await ask(pair.port, requestText('GET', '/proxy/own?after'))).body).toBe('<GET /own?after HTTP/1.1>');
  });

  it('a request behind an upload’s last byte does not become part of it', async () => {
    using client = await rawClient(pair.port);
    const upload = `${requestText('POST', '/proxy/first', ['Content-Length: 4'])}body`;
    client.send(upload + requestText('GET', '/proxy/second'));
    await client.when((text) => text.split('HTTP/1.1 200').length === 3).catch(() => client.closed());
    for (const request of pair.requestsFor('/first')) expect(request.body).toBe('body');
    for (const request of pair.requestsFor('/second')) expect(request.body).toBe('');
    expect(pair.upstream.requests.every((request) => !request.body.includes('HTTP'))).toBe(true);
  });
});
