import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerText, ask, messageAt, requestText, statusOf, valueOf, valuesOf } from '../support/http.ts';
import { startPair } from '../support/pair.ts';
import type { Pair } from '../support/pair.ts';
import { rawClient } from '../support/raw.ts';

let pair: Pair;
beforeAll(async () => {
  pair = await startPair({ env: { FORWARD_INFORMATIONAL: 'off' } });
});
afterAll(() => pair[Symbol.asyncDispose]());

const get = (path: string, fields: readonly string[] = []) =>
  ask(pair.port, requestText('GET', `/proxy${path}`, fields));

describe('answers', () => {
  it('HEAD: the length of what GET would have, no body, and the connection goes on', async () => {
    pair.answers.set('/head', () => 'HTTP/1.1 200 OK\r\nContent-Length: 12345\r\nETag: "e"\r\n\r\n');
    using client = await rawClient(pair.port);
    client.send(requestText('HEAD', '/proxy/head'));
    await client.until('\r\n\r\n');
    client.send(requestText('HEAD', '/proxy/head'));
    const second = await messageAt(client, 1, { withoutBody: true });
    expect(valueOf(second, 'content-length')).toBe('12345');
    expect(valueOf(second, 'etag')).toBe('"e"');
    expect(client.received().split('HTTP/1.1 200 OK').length).toBe(3);
  });

  it.each(['600 Odd', '777 Lucky', '999 '])('a status that no one has given a meaning passes on: %s', async (line) => {
    pair.answers.set('/status', () => answerText('odd', [], line));
    const answer = await get('/status');
    expect([answer.startLine, answer.body]).toEqual([`HTTP/1.1 ${line}`, 'odd']);
  });

  it('HEAD answered as chunked has neither a length nor a body', async () => {
    pair.answers.set('/head-chunked', () => 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    const answer = await ask(pair.port, requestText('HEAD', '/proxy/head-chunked'));
    expect(statusOf(answer)).toBe(200);
    expect(valueOf(answer, 'content-length')).toBeUndefined();
  });

  it('204 has no body and no length; the connection goes on', async () => {
    pair.answers.set('/204', () => 'HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n');
    using client = await rawClient(pair.port);
    client.send(requestText('DELETE', '/proxy/204'));
    const answer = await messageAt(client, 0);
    expect(answer.startLine).toBe('HTTP/1.1 204 No Content');
    expect(valueOf(answer, 'content-length')).toBeUndefined();
    expect(valueOf(answer, 'x-a')).toBe('b');
    client.send(requestText('GET', '/proxy/other'));
    expect(statusOf(await messageAt(client, 1))).toBe(200);
  });

  it('304 answers a conditional request and keeps its ETag', async () => {
    pair.answers.set('/304', (request) =>
      valueOf(request, 'if-none-match') === '"v1"'
        ? 'HTTP/1.1 304 Not Modified\r\nETag: "v1"\r\n\r\n'
        : answerText('full', ['ETag: "v1"']),
    );
    expect((await get('/304')).body).toBe('full');
    const answer = await get('/304', ['If-None-Match: "v1"']);
    expect(answer.startLine).toBe('HTTP/1.1 304 Not Modified');
    expect(valueOf(answer, 'etag')).toBe('"v1"');
  });

  it('304 may state the length of the body it stands for', async () => {
    pair.answers.set('/304-length', () => 'HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n');
    const answer = await get('/304-length');
    expect([statusOf(answer), valueOf(answer, 'content-length')]).toEqual([304, '77']);
  });

  it('206: Range there, Content-Range back', async () => {
    pair.answers.set('/206', (request) =>
      answerText('cde', [`Content-Range: ${valueOf(request, 'range')?.replace('=', ' ')}/10`], '206 Partial Content'),
    );
    const answer = await get('/206', ['Range: bytes=2-4']);
    expect(answer.startLine).toBe('HTTP/1.1 206 Partial Content');
    expect([valueOf(answer, 'content-range'), answer.body]).toEqual(['bytes 2-4/10', 'cde']);
  });

  it('repeated fields stay repeated and in order', async () => {
    const cookies = ['a=1; Path=/', 'b=2, with a comma', 'a=3'];
    pair.answers.set('/cookies', () =>
      answerText('x', ['Set-Cookie: a=1; Path=/', 'X-Mid: 1', 'Set-Cookie: b=2, with a comma', 'Set-Cookie: a=3']),
    );
    expect(valuesOf(await get('/cookies'), 'set-cookie')).toEqual(cookies);
    await get('/repeated', ['X-Many: 1', 'X-Other: 2', 'X-Many: 3']);
    const [request] = pair.requestsFor('/repeated');
    expect(request && valuesOf(request, 'x-many')).toEqual(['1', '3']);
  });

  it('bytes beyond ASCII inside values come through, both ways', async () => {
    const utf8 = Buffer.from('a=žluťoučký; b').toString('latin1');
    pair.answers.set('/bytes', () =>
      answerText('', [`X-Latin: caf\xe9 au lait`, `X-Utf: ${utf8}`, 'X-Edge: \xfcber\xfc']),
    );
    const answer = await get('/bytes', [`X-Utf: ${utf8}`]);
    expect(valueOf(answer, 'x-latin')).toBe('caf\xe9 au lait');
    expect(valueOf(answer, 'x-utf')).toBe(utf8);
    expect(valueOf(answer, 'x-edge')).toBe('\xfcber\xfc');
    const [request] = pair.requestsFor('/bytes');
    expect(request && valueOf(request, 'x-utf')).toBe(utf8);
  });

  it.each([
    ['404 Not Found', 'HTTP/1.1 404 Not Found'],
    ['299 Own Words', 'HTTP/1.1 299 Own Words'],
    ['500 Internal Server Error', 'HTTP/1.1 500 Internal Server Error'],
    ['503 Service Unavailable', 'HTTP/1.1 503 Service Unavailable'],
  ])('the status line %s is passed on, and the body is the upstream’s', async (status, line) => {
    pair.answers.set(`/status${status.slice(0, 3)}`, () => answerText('own body', [], status));
    const answer = await get(`/status${status.slice(0, 3)}`);
    expect([answer.startLine, answer.body]).toEqual([line, 'own body']);
  });

  it('a chunked answer comes back chunked, whatever pieces it came in; trailers and extensions are dropped', async () => {
    const wire =
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n5;ext="a"\r\nhello\r\n6\r\n world\r\n0\r\nX-T: 1\r\n\r\n';
    pair.answers.set('/chunked', (_request, { socket }) => {
      socket.setNoDelay(true);
      for (const byte of wire) socket.write(byte);
      return '';
    });
    const answer = await get('/chunked');
    expect(answer.body).toBe('hello world');
    expect(answer.raw).not.toMatch(/x-t|ext=/i);
  });

  it('a length whose body comes later than the header', async () => {
    pair.answers.set('/later', (_request, { socket }) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', () => setTimeout(() => socket.write('later'), 30));
      return '';
    });
    using client = await rawClient(pair.port);
    for (const n of [0, 1]) {
      client.send(requestText('GET', '/proxy/later'));
      expect((await messageAt(client, n)).body).toBe('later');
    }
  });

  it('an answer that ends with its connection is passed on whole', async () => {
    pair.answers.set('/until-close', (_request, { socket }) => {
      socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall there is');
      return '';
    });
    using client = await rawClient(pair.port);
    client.send(requestText('GET', '/proxy/until-close'));
    expect((await messageAt(client, 0)).body).toBe('all there is');
    client.send(requestText('GET', '/proxy/next'));
    expect(statusOf(await messageAt(client, 1))).toBe(200);
  });

  it('an HTTP/1.0 upstream is understood', async () => {
    pair.answers.set('/1.0', (_request, { socket }) => {
      socket.end('HTTP/1.0 200 OK\r\nX-Old: 1\r\n\r\nold body');
      return '';
    });
    const answer = await get('/1.0');
    expect([answer.startLine, answer.body]).toEqual(['HTTP/1.1 200 OK', 'old body']);
  });

  it('1xx answers are read past', async () => {
    pair.answers.set(
      '/1xx',
      () => `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${answerText('final')}`,
    );
    const answer = await get('/1xx');
    expect([answer.startLine, answer.body]).toEqual(['HTTP/1.1 200 OK', 'final']);
    expect(valueOf(answer, 'link')).toBeUndefined();
  });

  it('an empty body with a length of 0 arrives as such', async () => {
    const answer = await get('/plain-empty');
    expect([valueOf(answer, 'content-length'), answer.body]).toEqual(['0', '']);
  });
});
