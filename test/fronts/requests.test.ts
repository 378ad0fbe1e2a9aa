import { afterAll, beforeAll, expect } from 'vitest';
import { answerText, ask, requestText, statusOf, takeMessage, valueOf, valuesOf } from '../support/http.ts';
import type { Message } from '../support/http.ts';
import { describeFronts } from '../support/fronts.ts';
import { startPair } from '../support/pair.ts';
import type { Pair } from '../support/pair.ts';
import { rawClient } from '../support/raw.ts';
import { rulesOn } from './differences.ts';
import { answersOn, freshPath, hold, lastAnswer } from './setup.ts';

const H2C = ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA'];

describeFronts('requests of all kinds', (front) => {
  const rule = rulesOn(front);
  let pair: Pair;
  beforeAll(async () => {
    pair = await startPair({ front, env: { MAX_HEADER_COUNT: '256' } });
  });
  afterAll(() => pair[Symbol.asyncDispose]());

  /** Sends it and resolves with what the upstream got. */
  async function forwarded(request: (path: string) => string): Promise<Message> {
    const path = freshPath();
    expect(statusOf(await ask(pair.port, request(path)))).toBe(200);
    const [found] = pair.requestsFor(path);
    if (found === undefined) throw new Error('nothing came to the upstream');
    return found;
  }
  const target = async (asked: string): Promise<string | undefined> => {
    const before = pair.upstream.requests.length;
    const answer = await ask(pair.port, requestText('GET', asked));
    expect(statusOf(answer)).toBe(200);
    return pair.upstream.requests[before]?.startLine.split(' ')[1];
  };

  for (const lines of [1, 2, 4]) {
    rule('empty-lines', `${lines} empty line(s) before the request line`, async () => {
      const { startLine } = await forwarded((path) => '\r\n'.repeat(lines) + requestText('GET', `/proxy${path}`));
      expect(startLine).toMatch(/^GET /);
    });
  }

  rule('empty-lines', 'an empty line behind a body, as devices send it', async () => {
    const [one, two] = [freshPath(), freshPath()];
    using client = await rawClient(pair.port);
    client.send(`${requestText('POST', `/proxy${one}`, ['Content-Length: 5'])}hello\r\n`);
    client.send(requestText('GET', `/proxy${two}`));
    expect((await answersOn(client, 2)).map(statusOf)).toEqual([200, 200]);
    expect(pair.requestsFor(one)[0]?.body).toBe('hello');
  });

  rule('endless-empty-lines', 'empty lines without an end are no request', async () => {
    using client = await rawClient(pair.port);
    client.send('\r\n'.repeat(32 * 1024));
    await client.closed();
  });

  for (const method of ['X_CUSTOM', 'PROPFIND', 'M-SEARCH', "a!#$%&'*+-.^_`|~9", 'get']) {
    rule('methods', `${method} is a method`, async () => {
      const { startLine } = await forwarded((path) => requestText(method, `/proxy${path}`));
      expect(startLine.split(' ')[0]).toBe(method);
    });
  }

  rule('host-port', 'Host may end in its colon', async () => {
    await forwarded((path) => `GET /proxy${path} HTTP/1.1\r\nHost: a.example:\r\n\r\n`);
  });

  rule('absolute-form', 'a target in absolute-form says the host', async () => {
    const request = await forwarded(
      (path) => `GET http://a.example:81/proxy${path}?q=http://b HTTP/1.1\r\nHost: gateway.test\r\n\r\n`,
    );
    expect(request.startLine).toMatch(/^GET \/path-\d+\?q=http:\/\/b HTTP\/1\.1$/);
    expect(valueOf(request, 'x-forwarded-host')).toBe('a.example:81');
  });

  for (const [name, asked] of [
    ['without a path', 'GET http://a.example HTTP/1.1'],
    ['without a path but with a query', 'GET http://a.example?q HTTP/1.1'],
  ] as const) {
    rule('absolute-form', `absolute-form ${name} is the root`, async () => {
      const answer = await ask(pair.port, `${asked}\r\nHost: a.example\r\n\r\n`);
      expect([statusOf(answer), JSON.parse(answer.body).code]).toEqual([404, 'no_route']);
    });
  }

  for (const [name, asked] of [
    ['user info', 'GET http://u@a.example/proxy/x HTTP/1.1\r\nHost: a.example'],
    ['no host', 'GET http:///proxy/x HTTP/1.1\r\nHost: a.example'],
    ['no Host field', 'GET http://a.example/proxy/x HTTP/1.1\r\nX: y'],
  ] as const) {
    rule('bad-absolute-form', `absolute-form with ${name} is refused`, async () => {
      using client = await rawClient(pair.port);
      client.send(`${asked}\r\n\r\n`);
      expect(statusOf(await lastAnswer(client))).toBe(400);
    });
  }

  rule('options-star', 'OPTIONS * is answered, and the connection goes on', async () => {
    const path = freshPath();
    using client = await rawClient(pair.port);
    client.send(requestText('OPTIONS', '*'));
    client.send(requestText('GET', `/proxy${path}`));
    const [options, next] = await answersOn(client, 2);
    expect([200, 204, 404]).toContain(options && statusOf(options));
    expect(next && statusOf(next)).toBe(200);
  });

  rule('http-1.0', 'HTTP/1.0 without Host is answered, with a length, and closed', async () => {
    const path = freshPath();
    pair.answers.set(path, () => answerText('hello'));
    using client = await rawClient(pair.port);
    client.send(`GET /proxy${path} HTTP/1.0\r\n\r\n`);
    const answer = await lastAnswer(client);
    expect([statusOf(answer), answer.body]).toEqual([200, 'hello']);
    expect(valueOf(answer, 'content-length')).toBe('5');
  });

  rule('http-1.0', 'HTTP/1.0 with keep-alive stays open, and the answer says so', async () => {
    const path = freshPath();
    const request = `GET /proxy${path} HTTP/1.0\r\nHost: a.example\r\nConnection: Keep-Alive\r\n\r\n`;
    using client = await rawClient(pair.port);
    client.send(request);
    const [first] = await answersOn(client, 1);
    expect(first && valueOf(first, 'connection')?.toLowerCase()).toBe('keep-alive');
    client.send(request);
    expect((await answersOn(client, 2)).map(statusOf)).toEqual([200, 200]);
  });

  rule('http-1.0', 'HTTP/1.0 gets no chunks: what has no length ends with the connection', async () => {
    const path = freshPath();
    const held = hold(pair, path);
    using client = await rawClient(pair.port);
    client.send(`GET /proxy${path} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n`);
    await held.answer('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
    await client.until('hello');
    await held.answer('6\r\n world\r\n0\r\n\r\n');
    const answer = await lastAnswer(client);
    expect(valueOf(answer, 'transfer-encoding')).toBeUndefined();
    expect(answer.body).toBe('hello world');
  });

  rule('http-1.0', 'an HTTP/1.0 POST with a body, and the refusals of 1.0 clients', async () => {
    const path = freshPath();
    using client = await rawClient(pair.port);
    client.send(`POST /proxy${path} HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello`);
    expect(statusOf(await lastAnswer(client))).toBe(200); // and no 100 before it
    expect(pair.requestsFor(path)[0]?.body).toBe('hello');
    using faulty = await rawClient(pair.port);
    faulty.send('POST /proxy/x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n');
    expect(statusOf(await lastAnswer(faulty))).toBe(400);
  });

  rule('http-1.0', 'HEAD by HTTP/1.0', async () => {
    const path = freshPath();
    pair.answers.set(path, () => 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n');
    using client = await rawClient(pair.port);
    client.send(`HEAD /proxy${path} HTTP/1.0\r\n\r\n`);
    const answer = takeMessage(await client.closed(), true);
    expect([answer && statusOf(answer), answer && valueOf(answer, 'content-length')]).toEqual([200, '5']);
  });

  rule('http-1.2', 'HTTP/1.2 is served as 1.1', async () => {
    await forwarded((path) => `GET /proxy${path} HTTP/1.2\r\nHost: a.example\r\n\r\n`);
  });

  rule('upgrade', 'Upgrade is ignored, without a body', async () => {
    const request = await forwarded((path) => requestText('GET', `/proxy${path}`, H2C));
    for (const name of ['upgrade', 'http2-settings']) expect(valuesOf(request, name)).toEqual([]);
  });

  rule('upgrade-with-body', 'Upgrade is ignored, with a body (Java, curl --http2)', async () => {
    const request = await forwarded(
      (path) => `${requestText('POST', `/proxy${path}`, [...H2C, 'Content-Length: 5'])}hello`,
    );
    expect(request.body).toBe('hello');
    for (const name of ['upgrade', 'http2-settings']) expect(valuesOf(request, name)).toEqual([]);
  });

  for (const fields of [['TE: trailers'], ['TE: trailers', 'Connection: TE'], ['TE: gzip, trailers;q=0.5']]) {
    rule('te', `${fields.join(', ')}: TE goes on with its Connection option, or not at all`, async () => {
      const request = await forwarded((path) => requestText('GET', `/proxy${path}`, fields));
      const options = (valueOf(request, 'connection') ?? '').toLowerCase().split(/ *, */);
      expect(valuesOf(request, 'te')).toEqual(options.includes('te') ? ['trailers'] : []);
    });
  }

  rule('connection-options', 'fields that Connection names, and those of this hop, go no further', async () => {
    const fields = ['Connection: x-hop, keep-alive', 'Connection: X-Hop-2', 'X-Hop: 1', 'X-Hop-2: 1', 'X-End: 1'];
    const request = await forwarded((path) =>
      requestText('GET', `/proxy${path}`, [...fields, 'Keep-Alive: timeout=5', 'Proxy-Connection: keep-alive']),
    );
    for (const name of ['x-hop', 'x-hop-2', 'keep-alive', 'proxy-connection'])
      expect(valuesOf(request, name)).toEqual([]);
    expect(valueOf(request, 'x-end')).toBe('1');
  });

  rule('httpoxy', 'Proxy goes no further: CGI programs and their libraries take it for HTTP_PROXY', async () => {
    const request = await forwarded((path) =>
      requestText('GET', `/proxy${path}`, ['Proxy: http://192.0.2.66:8080', 'X-End: 1']),
    );
    expect([valuesOf(request, 'proxy'), valueOf(request, 'x-end')]).toEqual([[], '1']);
  });

  for (const [name, value] of [
    ['UTF-8 at the end', 'admin\xc3\xa9'],
    ['ISO-8859-1 at the end', 'caf\xe9'],
    ['ISO-8859-1 inside', 'caf\xe9 au lait'],
    ['bytes that are neither', '\x80\xff\xa0x'],
    ['a no-break space around', '\xa0x\xa0'],
  ] as const) {
    rule('header-bytes', `a value with ${name} arrives as it is`, async () => {
      const request = await forwarded((path) => requestText('GET', `/proxy${path}`, [`X-User: ${value}`, 'X-End: 1']));
      expect(valueOf(request, 'x-user')).toBe(value);
      expect(valueOf(request, 'x-end')).toBe('1');
    });
  }

  rule('many-fields', '150 fields are taken, request after request', async () => {
    const fields = Array.from({ length: 150 }, (_, i) => `X-Field-${i}: ${i}`);
    using client = await rawClient(pair.port);
    for (let i = 0; i < 20; i++) client.send(requestText('GET', '/proxy/many', fields));
    expect((await answersOn(client, 20)).map(statusOf)).toEqual(Array(20).fill(200));
    for (const request of pair.requestsFor('/many')) expect(valueOf(request, 'x-field-149')).toBe('149');
  });

  for (const [asked, got] of [
    ['/proxy/echo/CORP%5Cjohn', '/echo/CORP%5Cjohn'],
    ['/proxy/echo/a%0Ab', '/echo/a%0Ab'],
    ['/proxy/echo/a%09b', '/echo/a%09b'],
    ['/proxy/echo/a%7Fb', '/echo/a%7Fb'],
    ['/proxy/echo/img/https://example.com/a.png', '/echo/img/https://example.com/a.png'],
    ['/proxy/a//b///', '/a//b///'],
    ['/proxy/a?', '/a?'],
    ['/proxy/a??', '/a??'],
    ['/proxy/a?q=//../%5C', '/a?q=//../%5C'],
  ] as const) {
    rule(asked.endsWith('?') ? 'empty-query' : 'paths', `${asked} is forwarded as ${got}`, async () => {
      expect(await target(asked)).toBe(got);
    });
  }

  for (const asked of ['/proxy/..%5C..%5Cx', '/proxy/.%09./x', '/proxy/../../x']) {
    rule('paths', `${asked}, which an upstream could climb by, is refused`, async () => {
      expect(statusOf(await ask(pair.port, requestText('GET', asked)))).toBe(400);
    });
  }
});

describeFronts('MERGE_SLASHES', (front) => {
  rulesOn(front)('merge-slashes', 'off by default; on, it folds for routing', async () => {
    await using kept = await startPair({ front });
    await using merged = await startPair({ front, env: { MERGE_SLASHES: 'on' } });
    const status = async ({ port }: Pair): Promise<number> =>
      statusOf(await ask(port, requestText('GET', '//proxy//x')));
    expect([await status(kept), await status(merged)]).toEqual([404, 200]);
  });
});
