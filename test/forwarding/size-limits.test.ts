import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, requestText, statusOf, takeMessage, valueOf } from '../support/http.ts';
import { startPair } from '../support/pair.ts';
import type { Pair } from '../support/pair.ts';
import { rawClient } from '../support/raw.ts';

const LIMIT = 1000;
let pair: Pair;
beforeAll(async () => {
  pair = await startPair({ env: { MAX_BODY_BYTES: String(LIMIT), MAX_HEADER_BYTES: '4096' } });
});
afterAll(() => pair[Symbol.asyncDispose]());

const chunk = (size: number): string => `${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`;

describe('413', () => {
  it('a body of exactly the limit passes, by length and in chunks', async () => {
    const byLength = requestText('POST', '/proxy/exact', [`Content-Length: ${LIMIT}`]) + 'x'.repeat(LIMIT);
    const inChunks = `${requestText('POST', '/proxy/exact', ['Transfer-Encoding: chunked'])}${chunk(LIMIT)}0\r\n\r\n`;
    for (const request of [byLength, inChunks]) expect(statusOf(await ask(pair.port, request))).toBe(200);
    expect(pair.requestsFor('/exact').map((request) => request.body.length)).toEqual([LIMIT, LIMIT]);
  });

  it('a larger length is refused before any of the body, closed, and nothing is forwarded', async () => {
    using client = await rawClient(pair.port);
    client.send(requestText('POST', '/proxy/declared', [`Content-Length: ${LIMIT + 1}`]));
    const answer = takeMessage(await client.closed());
    expect(answer?.startLine).toBe('HTTP/1.1 413 Content Too Large');
    expect(answer && valueOf(answer, 'connection')).toBe('close');
    expect(JSON.parse(answer?.body ?? '')).toMatchObject({ status: 413, code: 'body_too_large' });
    expect(pair.requestsFor('/declared')).toEqual([]);
  });

  it('chunks that grow beyond it are refused when they do; the upstream sees no whole request', async () => {
    using client = await rawClient(pair.port);
    client.send(requestText('POST', '/proxy/chunks', ['Transfer-Encoding: chunked']) + chunk(LIMIT));
    client.send(chunk(1));
    const answer = takeMessage(await client.closed());
    expect(answer && statusOf(answer)).toBe(413);
    for (const connection of pair.upstream.connections) {
      if (connection.received().includes('POST /chunks')) await connection.closed();
    }
    expect(pair.requestsFor('/chunks')).toEqual([]);
  });
});

describe('413 to a client that goes on sending', () => {
  it.each([
    ['by length', `Content-Length: ${20 * 1024 * 1024}`, ''],
    ['in chunks', 'Transfer-Encoding: chunked', chunk(1024 * 1024)],
  ])('arrives, %s', async (_name, framing, piece) => {
    using client = await rawClient(pair.port);
    client.send(requestText('POST', '/proxy/goes-on', [framing]));
    for (let i = 0; i < 20; i++) client.send(piece === '' ? 'x'.repeat(1024 * 1024) : piece);
    if (piece !== '') client.send('0\r\n\r\n');
    const answer = takeMessage(await client.closed(10_000));
    expect(answer && statusOf(answer)).toBe(413);
    expect(pair.requestsFor('/goes-on')).toEqual([]);
  });
});

describe('431', () => {
  it('a header just below the limit passes, one above is refused with problem+json and closed', async () => {
    const passes = await ask(pair.port, requestText('GET', '/proxy/header', [`X-Long: ${'x'.repeat(3_900)}`]));
    expect(statusOf(passes)).toBe(200);
    using client = await rawClient(pair.port);
    client.send(requestText('GET', '/proxy/header', [`X-Long: ${'x'.repeat(4_100)}`]));
    const answer = takeMessage(await client.closed());
    expect(answer?.startLine).toBe('HTTP/1.1 431 Request Header Fields Too Large');
    expect(JSON.parse(answer?.body ?? '')).toMatchObject({ status: 431, code: 'header_too_large' });
    expect(pair.requestsFor('/header')).toHaveLength(1);
  });

  it.each([
    ['a long target', 414, requestText('GET', `/proxy/431/${'x'.repeat(4_100)}`)],
    ['a long query', 414, requestText('GET', `/proxy/431?${'x'.repeat(4_100)}`)],
    [
      'many fields',
      431,
      requestText(
        'GET',
        '/proxy/431',
        Array.from({ length: 300 }, (_, i) => `X-${i}: 1`),
      ),
    ],
    ['far beyond the limit', 431, requestText('GET', '/proxy/431', [`X-Long: ${'x'.repeat(100_000)}`])],
  ])('%s is refused and closed', async (_name, status, request) => {
    using client = await rawClient(pair.port);
    client.send(request);
    expect(await client.closed()).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(pair.requestsFor('/431')).toEqual([]);
  });
});
