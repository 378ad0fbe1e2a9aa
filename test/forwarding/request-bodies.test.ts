import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerText, ask, messageAt, requestText, statusOf, takeMessage, valueOf } from '../support/http.ts';
import type { Message } from '../support/http.ts';
import { startPair } from '../support/pair.ts';
import type { Pair } from '../support/pair.ts';
import { rawClient } from '../support/raw.ts';
import { eventually } from '../support/wait.ts';

let pair: Pair;
beforeAll(async () => {
  pair = await startPair({ env: { MAX_BODY_BYTES: String(256 * 1024 * 1024) } });
});
afterAll(() => pair[Symbol.asyncDispose]());

const framing = (request: Message | undefined) =>
  request && [valueOf(request, 'content-length'), valueOf(request, 'transfer-encoding')];
const chunked = (...pieces: readonly string[]): string =>
  [...pieces, ''].map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`).join('');

describe('request bodies', () => {
  it.each(['GET', 'DELETE', 'POST', 'OPTIONS'])('a %s with a length is passed on with that length', async (method) => {
    const path = `/length/${method}`;
    await ask(pair.port, requestText(method, `/proxy${path}`, ['Content-Length: 9']) + 'some\0\xff\r\nx');
    const [request] = pair.requestsFor(path);
    expect(request?.body).toBe('some\0\xff\r\nx');
    expect(framing(request)).toEqual(['9', undefined]);
  });

  it('a body that comes byte by byte arrives whole, under the length the client stated', async () => {
    using client = await rawClient(pair.port);
    client.socket.setNoDelay(true);
    client.send(requestText('PUT', '/proxy/bytewise', ['Content-Length: 6']));
    for (const byte of 'abcdef') {
      await new Promise((sent) => client.socket.write(byte, sent));
    }
    expect(statusOf(await messageAt(client, 0))).toBe(200);
    const [request] = pair.requestsFor('/bytewise');
    expect(request?.body).toBe('abcdef');
    expect(framing(request)).toEqual(['6', undefined]);
  });

  it('a chunked body that comes in one packet', async () => {
    await ask(
      pair.port,
      requestText('POST', '/proxy/chunked', ['Transfer-Encoding: chunked']) + chunked('hello', ' ', 'world'),
    );
    const [request] = pair.requestsFor('/chunked');
    expect(request?.body).toBe('hello world');
    // Chunks of ours, or a length of our own counting where all of it was there before the head went out.
    expect([
      ['11', undefined],
      [undefined, 'chunked'],
    ]).toContainEqual(framing(request));
  });

  it('a chunked body that is still coming is sent on in chunks of ours', async () => {
    using client = await rawClient(pair.port);
    client.send(requestText('POST', '/proxy/chunks', ['Transfer-Encoding: Chunked']) + '5\r\nhello\r\n');
    await eventually(
      () => pair.upstream.connections.some((each) => /\/chunks [^]*hello/.test(each.received())),
      'the first chunk',
    );
    client.send('6\r\n world\r\n0\r\n\r\n');
    expect(statusOf(await messageAt(client, 0))).toBe(200);
    const [request] = pair.requestsFor('/chunks');
    expect(request?.body).toBe('hello world');
    expect(framing(request)).toEqual([undefined, 'chunked']);
  });

  it('an empty chunked body is an empty body', async () => {
    await ask(pair.port, requestText('POST', '/proxy/no-chunks', ['Transfer-Encoding: chunked']) + '0\r\n\r\n');
    const [request] = pair.requestsFor('/no-chunks');
    expect([request?.body, ...(framing(request) ?? [])]).toEqual(['', '0', undefined]);
  });

  it('Expect: 100-continue is answered before the body comes, and goes no further', async () => {
    using client = await rawClient(pair.port);
    client.send(requestText('POST', '/proxy/expect', ['Content-Length: 4', 'Expect: 100-continue']));
    expect(await client.until('\r\n\r\n')).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    client.send('body');
    expect(statusOf(await messageAt(client, 1))).toBe(200);
    const [request] = pair.requestsFor('/expect');
    expect(request?.body).toBe('body');
    expect(request && valueOf(request, 'expect')).toBeUndefined();
  });

  it('after a chunked body that opened a new upstream connection the client’s connection goes on', async () => {
    await using cold = await startPair();
    using client = await rawClient(cold.port);
    client.send(requestText('POST', '/proxy/a', ['Transfer-Encoding: chunked']) + chunked('one', 'two', 'three'));
    expect(statusOf(await messageAt(client, 0))).toBe(200);
    client.send(requestText('GET', '/proxy/b'));
    expect(statusOf(await messageAt(client, 1))).toBe(200);
    expect(cold.requestsFor('/a')[0]?.body).toBe('onetwothree');
  });

  it('an answer that comes before the whole body reaches the client at once; the connection goes on after the body', async () => {
    pair.answers.set('/next', () => answerText('next'));
    using client = await rawClient(pair.port);
    const early = pair.upstream.connections.length;
    const start = `${'#'.repeat(64 * 1024)}start`; // more than is gathered before a connection is taken
    client.send(requestText('POST', '/proxy/early', [`Content-Length: ${start.length + 5}`]) + start);
    // One of the upstream's connections has half a request; the upstream does not wait for the rest.
    const find = () => pair.upstream.connections.find((each) => each.received().endsWith('start'));
    await eventually(() => find() !== undefined, 'half a request');
    find()?.send(answerText('no thanks', [], '413 Content Too Large'));
    expect((await messageAt(client, 0)).body).toBe('no thanks');
    client.send('.rest' + requestText('GET', '/proxy/next'));
    expect((await messageAt(client, 1)).body).toBe('next');
    expect(pair.upstream.connections.length).toBeLessThanOrEqual(early + 2);
  });

  it('an early answer to an upload that the upstream does not read arrives, and ends the connection', async () => {
    using client = await rawClient(pair.port);
    const size = 48 * 1024 * 1024;
    const piece = Buffer.alloc(64 * 1024);
    client.send(requestText('POST', '/proxy/unread', [`Content-Length: ${size}`]));
    client.send(piece); // less would be gathered before a connection is taken
    const find = () => pair.upstream.connections.find((each) => each.received().includes('POST /unread '));
    await eventually(() => find() !== undefined, 'the head');
    find()?.socket.pause();
    let taken = piece.length;
    const pump = (): void => {
      if (taken < size) client.socket.write(piece, () => ((taken += piece.length), setTimeout(pump, 1)));
    };
    pump();
    let before = -1;
    let still = 0;
    // Ten looks without a byte taken: every buffer on the way is full, and the gateway does not read on.
    await eventually(() => (before === taken ? ++still : (still = 0), (before = taken), still > 10), 'back-pressure');
    expect(taken).toBeLessThan(size);
    find()?.send(answerText('enough'));
    expect((await messageAt(client, 0)).body).toBe('enough');
    const answer = takeMessage(await client.closed(10_000));
    expect(answer && valueOf(answer, 'connection')).toBe('close');
  });
});
