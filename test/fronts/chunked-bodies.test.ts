import { afterAll, beforeAll, expect } from 'vitest';
import { ask, messageAt, requestText, statusOf, valueOf } from '../support/http.ts';
import { describeFronts } from '../support/fronts.ts';
import { startPair } from '../support/pair.ts';
import type { Pair } from '../support/pair.ts';
import { rawClient } from '../support/raw.ts';
import { rulesOn } from './differences.ts';
import { answersOn, freshPath, lastAnswer, oneChunk, settled } from './setup.ts';

const HELLO = '5\r\nhello\r\n0\r\n\r\n';
const BIG = 'b'.repeat(512 * 1024);

/** All RFC 9112 7.1.1 allows behind the size, and the blanks before it that people send. */
const EXTENSIONS = ['5;a', '5;name=value', '5;name="a;b"', '5;name="a\\"b"', '5 ;x', '5;a;b=c', '5\t; x = y', '005'];

const BROKEN: readonly (readonly [name: string, body: string])[] = [
  ['a size of letters', 'g\r\nhello\r\n0\r\n\r\n'],
  ['a size of punctuation', ':\r\nhello\r\n0\r\n\r\n'],
  ['a negative size', '-1\r\nhello\r\n0\r\n\r\n'],
  ['a signed size', '+5\r\nhello\r\n0\r\n\r\n'],
  ['a size with 0x', '0x5\r\nhello\r\n0\r\n\r\n'],
  ['an empty size', '\r\nhello\r\n0\r\n\r\n'],
  ['a blank before the size', ' 5\r\nhello\r\n0\r\n\r\n'],
  ['a size of 17 digits', '10000000000000005\r\nhello\r\n0\r\n\r\n'],
  ['data longer than its size', '5\r\nhello!\r\n0\r\n\r\n'],
  ['data shorter than its size', '5\r\nhell\r\n0\r\n\r\n'],
  ['a bare LF behind the size', '5\nhello\r\n0\r\n\r\n'],
  ['a bare LF behind the data', '5\r\nhello\n0\r\n\r\n'],
  ['bare LFs everywhere', '5\nhello\n0\n\n'],
  ['a control in an extension', '5;a=\x01\r\nhello\r\n0\r\n\r\n'],
  ['a bare CR in an extension', '5;a\rb\r\nhello\r\n0\r\n\r\n'],
  ['an extension without an end', `5;${'a'.repeat(64 * 1024)}\r\nhello\r\n0\r\n\r\n`],
  ['trailers without an end', `5\r\nhello\r\n0\r\n${'X-A: b\r\n'.repeat(16 * 1024)}\r\n`],
  ['a trailer that is no field', '5\r\nhello\r\n0\r\nno field\r\n\r\n'],
  ['a blank before the colon of a trailer', '5\r\nhello\r\n0\r\nX-A : b\r\n\r\n'],
  ['chunks of one byte without an end', '1\r\na\r\n'.repeat(20_000) + '0\r\n\r\n'],
];

/** What a sender may not say behind a body: framing, routing, who it is, what the gateway sets. */
const SMUGGLED = [
  'Content-Length: 3',
  'Transfer-Encoding: chunked',
  'Host: other.example',
  'Connection: X-Sum',
  'Authorization: Basic eDp5',
  'Cookie: a=b',
  'X-Forwarded-For: 192.0.2.1',
  'X-Request-Id: mine',
  'X-RateLimit-Remaining: 5',
  'RateLimit: "a";r=5',
  'TE: trailers',
];

describeFronts('chunked request bodies', (front) => {
  const rule = rulesOn(front);
  let pair: Pair;
  beforeAll(async () => {
    pair = await startPair({ front });
  });
  afterAll(() => pair[Symbol.asyncDispose]());

  const post = (path: string, body: string, fields: readonly string[] = []): string =>
    requestText('POST', `/proxy${path}`, ['Transfer-Encoding: chunked', ...fields]) + body;
  const bodies = (path: string): string[] => pair.requestsFor(path).map(({ body }) => body);

  for (const coding of ['chunked', 'Chunked', 'CHUNKED']) {
    rule('chunked', `${coding}: the body arrives whole`, async () => {
      const path = freshPath();
      const request = requestText('POST', `/proxy${path}`, [`Transfer-Encoding: ${coding}`]);
      expect(statusOf(await ask(pair.port, request + HELLO))).toBe(200);
      expect(bodies(path)).toEqual(['hello']);
    });
  }

  rule('chunked', 'byte by byte, a body and its trailers and the request behind them', async () => {
    const [path, next] = [freshPath(), freshPath()];
    using client = await rawClient(pair.port);
    client.socket.setNoDelay(true);
    const body = '5;a="b"\r\nhello\r\n01\r\n!\r\n0;c\r\nX-Sum: 1\r\n\r\n';
    for (const byte of post(path, body, ['Trailer: X-Sum']) + requestText('GET', `/proxy${next}`)) {
      await new Promise((sent) => client.socket.write(byte, sent));
    }
    expect((await answersOn(client, 2)).map(statusOf)).toEqual([200, 200]);
    expect([bodies(path), bodies(next)]).toEqual([['hello!'], ['']]);
  });

  for (const size of EXTENSIONS) {
    rule('chunked', `${JSON.stringify(size)} is a size, and the next request no part of the body`, async () => {
      const [path, next] = [freshPath(), freshPath()];
      using client = await rawClient(pair.port);
      client.send(post(path, `${size}\r\nhello\r\n0\r\n\r\n`));
      client.send(requestText('GET', `/proxy${next}`, ['Cookie: session=secret']));
      expect((await answersOn(client, 2)).map(statusOf)).toEqual([200, 200]);
      expect(bodies(path)).toEqual(['hello']);
      const [request] = pair.requestsFor(next);
      expect(request && valueOf(request, 'cookie')).toBe('session=secret');
    });
  }

  for (const [name, body] of BROKEN) {
    rule('chunked', `${name}: 400, closed, and the upstream gets no whole request`, async () => {
      const [path, next] = [freshPath(), freshPath()];
      using client = await rawClient(pair.port);
      client.send(post(path, body) + requestText('GET', `/proxy${next}`));
      const answer = await lastAnswer(client);
      expect(statusOf(answer)).toBe(400);
      expect(JSON.parse(answer.body)).toMatchObject({ status: 400, code: 'bad_request' });
      await settled(pair);
      expect([bodies(path), bodies(next)]).toEqual([[], []]);
    });
  }

  rule('chunked', 'a trailer is no field of the header and no request', async () => {
    const [path, next] = [freshPath(), freshPath()];
    using client = await rawClient(pair.port);
    client.send(post(path, '5\r\nhello\r\n0\r\n', ['Trailer: X-Sum']));
    await settled(pair); // the trailers come in a packet of their own
    client.send(`X-Sum: 1\r\n\r\n${requestText('GET', `/proxy${next}`)}`);
    expect((await answersOn(client, 2)).map(statusOf)).toEqual([200, 200]);
    const [request] = pair.requestsFor(path);
    expect(request?.body).toBe('hello');
    expect(request && valueOf(request, 'x-sum')).toBeUndefined();
    expect(request && valueOf(request, 'transfer-encoding')).toBe('chunked');
    expect(request?.trailers).toEqual([['X-Sum', '1']]);
    expect(pair.requestsFor(next)).toHaveLength(1);
  });

  rule('chunked', 'trailers that may not be there are dropped, the others go on', async () => {
    const path = freshPath();
    const fields = ['Trailer: X-Sum', 'Connection: X-Hop', 'Expect: 100-continue'];
    using client = await rawClient(pair.port);
    client.send(post(path, '', fields));
    await client.until('\r\n\r\n');
    client.send(oneChunk(BIG, [...SMUGGLED, 'X-Hop: 1', 'X-Sum: 1', 'Content-Digest: sha-256=:eA==:']));
    expect(statusOf(await messageAt(client, 1))).toBe(200);
    const [request] = pair.requestsFor(path);
    expect(request?.body.length).toBe(BIG.length);
    expect(request?.trailers).toEqual([
      ['X-Sum', '1'],
      ['Content-Digest', 'sha-256=:eA==:'],
    ]);
  });

  rule('chunked', 'a large body in many chunks, two times on one connection', async () => {
    const [one, two] = [freshPath(), freshPath()];
    const chunks = `${(8192).toString(16)};n=1\r\n${'c'.repeat(8192)}\r\n`.repeat(64) + '0\r\n\r\n';
    using client = await rawClient(pair.port);
    client.send(post(one, chunks));
    expect(statusOf(await messageAt(client, 0))).toBe(200);
    client.send(post(two, chunks));
    expect(statusOf(await messageAt(client, 1))).toBe(200);
    for (const path of [one, two]) expect(bodies(path)).toEqual(['c'.repeat(8192 * 64)]);
  });
});
