import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage, RequestOptions } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { patternBytes } from './pattern.ts';
import { OK_BODY } from './routes.ts';
import { startUpstream } from './server.ts';
import type { Upstream } from './server.ts';

let upstream: Upstream;
beforeAll(async () => {
  upstream = await startUpstream();
});
afterAll(() => upstream.close());

interface Answer {
  readonly message: IncomingMessage;
  readonly body: Buffer;
}

async function call(path: string, options: RequestOptions = {}, body?: string | Buffer): Promise<Answer> {
  const req = request({ host: '127.0.0.1', port: upstream.port, path, agent: false, ...options }).end(body);
  const [message] = (await once(req, 'response')) as [IncomingMessage];
  const parts: Buffer[] = [];
  for await (const part of message as AsyncIterable<Buffer>) parts.push(part);
  return { message, body: Buffer.concat(parts) };
}

/** Sends raw bytes and returns everything until the other side closes. */
async function raw(bytes: string): Promise<string> {
  const socket = connect(upstream.port, '127.0.0.1').setEncoding('latin1');
  socket.write(bytes, 'latin1');
  let all = '';
  for await (const text of socket as AsyncIterable<string>) all += text;
  return all;
}

describe('demo upstream: whole answers', () => {
  it('/ok is 130 bytes of JSON with an entity tag', async () => {
    const { message, body } = await call('/ok');
    expect(message.statusCode).toBe(200);
    expect(body.toString()).toBe(OK_BODY);
    expect(body.length).toBe(130);
    expect(message.headers).toMatchObject({
      'content-length': '130',
      'content-type': 'application/json',
      etag: '"ok-1"',
    });
  });

  it('/ok is 304 without a body when the client has it', async () => {
    const { message, body } = await call('/ok', { headers: { 'if-none-match': 'W/"ok-1"' } });
    expect([message.statusCode, body.length, message.headers['content-length']]).toEqual([304, 0, undefined]);
  });

  it.each([
    ['/fail', 500],
    ['/health', 200],
    ['/slow?ms=5', 200],
    ['/slow?ms=banana', 400],
    ['/slow?ms=60001', 400],
    ['/stream?chunks=-1', 400],
    ['/bytes/x', 400],
    ['/bytes/', 400],
    ['/bytes/99999999999999', 400],
    ['/nothing', 404],
    ['/a/../ok', 404],
    ['//ok', 404],
    ['/status/418', 418],
    ['/status/599', 599],
    ['/status/600', 400],
    ['/status/101', 400],
    ['/status/%00', 400],
  ])('%s answers %i in JSON with a newline', async (path, status) => {
    const { message, body } = await call(path);
    expect(message.statusCode).toBe(status);
    expect(() => JSON.parse(body.toString()) as unknown).not.toThrow();
    expect(body.at(-1)).toBe(0x0a);
  });

  it.each([204, 205, 304])('/status/%i has no body', async (code) => {
    const { message, body } = await call(`/status/${code}`);
    expect([message.statusCode, body.length]).toEqual([code, 0]);
  });

  it.each([100, 102, 103])('/status/%i sends the interim answer and then a 200', async (code) => {
    const text = await raw(`GET /status/${code} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    expect(text.startsWith(`HTTP/1.1 ${code} `)).toBe(true);
    expect(text).toContain('\r\n\r\nHTTP/1.1 200 OK\r\n');
  });
});

describe('demo upstream: /echo', () => {
  it('tells what it received: order, case and repeats of headers, the raw target, the body', async () => {
    const text = await raw(
      'POST /echo/a%2Fb/../c?x=1 HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nx-two: caf\xe9\r\nX-ONE: 2\r\n' +
        'Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n',
    );
    const [head = '', body = ''] = text.split('\r\n\r\n');
    const sha256 = createHash('sha256').update('abcde').digest('hex');
    expect(head).toContain('200 OK');
    expect(JSON.parse(Buffer.from(body, 'latin1').toString('utf8'))).toEqual({
      method: 'POST',
      path: '/echo/a%2Fb/../c?x=1',
      httpVersion: '1.1',
      headers: [
        ['Host', 'a'],
        ['X-One', '1'],
        ['x-two', 'caf\u00e9'],
        ['X-ONE', '2'],
        ['Connection', 'close'],
        ['Transfer-Encoding', 'chunked'],
      ],
      body: { bytes: 5, sha256 },
    });
  });

  it.each(['GET', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND'])('takes %s with a body', async (method) => {
    const { body } = await call('/echo', { method, headers: { 'content-length': '3' } }, 'abc');
    expect(JSON.parse(body.toString())).toMatchObject({ method, body: { bytes: 3 } });
  });
});

describe('demo upstream: /bytes/N', () => {
  it.each([0, 1, 70_000, 3_000_000])('%i bytes, exactly', async (total) => {
    const { message, body } = await call(`/bytes/${total}`);
    expect(message.headers['content-length']).toBe(String(total));
    expect(body.equals(patternBytes(total))).toBe(true);
  });

  it('HEAD has the length and no body, and ignores Range', async () => {
    const { message, body } = await call('/bytes/1000', { method: 'HEAD', headers: { range: 'bytes=0-1' } });
    expect([message.statusCode, message.headers['content-length'], body.length]).toEqual([200, '1000', 0]);
  });

  it('a range is 206 with its bytes', async () => {
    const { message, body } = await call('/bytes/100000', { headers: { range: 'bytes=65500-65600' } });
    expect([message.statusCode, message.headers['content-range']]).toEqual([206, 'bytes 65500-65600/100000']);
    expect(body.equals(patternBytes(100_000).subarray(65_500, 65_601))).toBe(true);
  });

  it('a range outside is 416; a range of an older version is the whole body', async () => {
    const outside = await call('/bytes/10', { headers: { range: 'bytes=10-' } });
    expect([outside.message.statusCode, outside.message.headers['content-range']]).toEqual([416, 'bytes */10']);
    const older = await call('/bytes/10', { headers: { range: 'bytes=0-1', 'if-range': '"old"' } });
    expect([older.message.statusCode, older.body.length]).toEqual([200, 10]);
  });

  it('waits for a client that does not read', async () => {
    const before = process.memoryUsage.rss();
    const req = request({ host: '127.0.0.1', port: upstream.port, path: '/bytes/500000000', agent: false }).end();
    const [message] = (await once(req, 'response')) as [IncomingMessage];
    await once(message, 'readable'); // and nothing more is read: the rest must stay unwritten
    expect((await call('/health')).message.statusCode).toBe(200);
    expect(process.memoryUsage.rss() - before).toBeLessThan(100_000_000);
    message.destroy();
  });
});

describe('demo upstream: slow answers', () => {
  it('/stream is chunked, piece by piece', async () => {
    const { message, body } = await call('/stream?chunks=3&ms=1');
    expect(message.headers['transfer-encoding']).toBe('chunked');
    expect(body.toString()).toBe('chunk 1 of 3\nchunk 2 of 3\nchunk 3 of 3\n');
  });

  it('/sse sends each event when it is due', async () => {
    const req = request({ host: '127.0.0.1', port: upstream.port, path: '/sse?events=2&ms=60000', agent: false }).end();
    const [message] = (await once(req, 'response')) as [IncomingMessage];
    expect(message.headers['content-type']).toBe('text/event-stream');
    const [event] = (await once(message, 'data')) as [Buffer];
    expect(event.toString()).toBe('id: 1\nevent: tick\ndata: {"n":1,"of":2}\n\n');
    message.destroy();
  });

  it('close() ends what is in flight and refuses what is new; twice is once', async () => {
    await using other = await startUpstream();
    const req = request({ host: '127.0.0.1', port: other.port, path: '/slow?ms=60000', agent: false });
    const failed = once(req, 'error');
    req.end();
    await once(req, 'finish');
    await Promise.all([other.close(), other.close()]);
    await expect(failed).resolves.toHaveLength(1);
    const late = connect(other.port, '127.0.0.1');
    const [error] = (await once(late, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNREFUSED');
  });
});

describe('demo upstream: bad clients', () => {
  it('survives broken requests and aborted ones', async () => {
    expect(await raw('NONSENSE\r\n\r\n')).toContain('400 Bad Request');
    expect(await raw('GET * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).toContain(' 404 ');
    const socket = connect(upstream.port, '127.0.0.1');
    socket.write('POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc');
    socket.write('', () => socket.resetAndDestroy());
    await once(socket, 'close');
    expect((await call('/ok')).message.statusCode).toBe(200);
  });

  it('answers the next request on a connection whose body nobody read', async () => {
    const post = `POST /ok HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello`;
    const text = await raw(`${post}GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    expect(text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2);
  });
});
