import { describe, expect, test } from 'vitest';
import { CLAIM_NAMES, CLAIM_PREFIXES, isForwardingClaim } from '../../../../shared/http/forwarding-claim.ts';
import { NOTABLE_NAMES } from '../../../../shared/http/request-field.ts';
import { RequestStream, readRequests } from './head-parser.fixture.ts';
import type { ReadRequest, ReadStream } from './head-parser.fixture.ts';
import { MAX_FIELDS, NativeRequestHead } from './head-parser.ts';

/** Reads whole, byte by byte, and cut in two at every place (short texts); it must come to the same. */
function readEveryWay(text: string, identifying: readonly string[] = []): ReadStream {
  const whole = readRequests([text], new RequestStream(identifying));
  expect(readRequests(text.split(''), new RequestStream(identifying)), 'byte by byte').toEqual(whole);
  for (let i = 1; i < text.length && text.length < 400; i++) {
    const split = readRequests([text.slice(0, i), text.slice(i)], new RequestStream(identifying));
    expect(split, `cut at ${i}`).toEqual(whole);
  }
  return whole;
}

function one(text: string, identifying: readonly string[] = []): ReadRequest {
  const { requests, fault } = readEveryWay(text, identifying);
  expect(fault).toBeUndefined();
  expect(requests).toHaveLength(1);
  return requests[0] as ReadRequest;
}

const HOST = 'Host: a.example\r\n';
const GET = `GET /x HTTP/1.1\r\n${HOST}`;
const get = (...fields: string[]): string => `${GET}${fields.map((field) => `${field}\r\n`).join('')}\r\n`;
const POST = `POST /x HTTP/1.1\r\n${HOST}`;
const big = (bytes: number): string => 'a'.repeat(bytes);

describe('the request line', () => {
  test.each([
    ['GET / HTTP/1.1', { method: 'GET', path: '/', query: undefined }],
    ['POST /a/b?c=d HTTP/1.1', { method: 'POST', path: '/a/b', query: 'c=d' }],
    ['GET /a? HTTP/1.1', { path: '/a', query: '' }],
    ['GET /a?b?c HTTP/1.1', { path: '/a', query: 'b?c' }],
    ['GET //a/%5C\\"<>^`{|}~ HTTP/1.1', { path: '//a/%5C\\"<>^`{|}~' }],
    ['X_CUSTOM /a HTTP/1.1', { method: 'X_CUSTOM' }],
    ['get /a HTTP/1.1', { method: 'get' }],
    ['GETS /a HTTP/1.1', { method: 'GETS' }],
    ['PUT /a HTTP/1.1', { method: 'PUT' }],
    ['POSX /a HTTP/1.1', { method: 'POSX' }],
    ["!#$%&'*+-.^_`|~1 /a HTTP/1.1", { method: "!#$%&'*+-.^_`|~1" }],
    [`${big(32)} /a HTTP/1.1`, { method: big(32) }],
    ['OPTIONS * HTTP/1.1', { method: 'OPTIONS', path: '*', query: undefined }],
    ['CONNECT b.example:443 HTTP/1.1', { method: 'CONNECT', path: 'b.example:443', host: 'a.example' }],
    ['GET /a HTTP/1.2', { path: '/a' }],
    ['GET /a HTTP/1.9', { path: '/a' }],
    ['GET http://b.example/c?d HTTP/1.1', { path: '/c', query: 'd', host: 'b.example' }],
    ['GET HTTPS://b.example:8443/c HTTP/1.1', { path: '/c', host: 'b.example:8443' }],
    ['GET http://b.example HTTP/1.1', { path: '/', query: undefined, host: 'b.example' }],
    ['GET http://b.example?d HTTP/1.1', { path: '/', query: 'd', host: 'b.example' }],
    ['GET http://b.example/? HTTP/1.1', { path: '/', query: '', host: 'b.example' }],
    ['GET http://[::1]:80/http://c HTTP/1.1', { path: '/http://c', host: '[::1]:80' }],
    ['OPTIONS http://b.example HTTP/1.1', { path: '*', host: 'b.example' }],
    ['OPTIONS http://b.example/ HTTP/1.1', { path: '/', host: 'b.example' }],
  ])('%s', (line, expected) => {
    expect(one(`${line}\r\n${HOST}\r\n`)).toMatchObject(expected);
  });

  test.each([
    'GET  /a HTTP/1.1',
    'GET /a  HTTP/1.1',
    'GET\t/a HTTP/1.1',
    'GET /a\tHTTP/1.1',
    ' GET /a HTTP/1.1',
    'GET /a HTTP/1.1 ',
    'GET HTTP/1.1',
    'GET  HTTP/1.1',
    'GET /a',
    'GET',
    '/a HTTP/1.1',
    'GET /a HTTP/1',
    'GET /a HTTP/1.',
    'GET /a HTTP/.1',
    'GET /a HTTP/1.10',
    'GET /a HTTP/11',
    'GET /a HTTP/1,1',
    'GET /a HTTP/01.1',
    'GET /a http/1.1',
    'GET /a HTTPS/1.1',
    'GET /a HTTP/a.1',
    'GET /a HTTP/1.a',
    'GET /a ICY/1.1',
    'GET /a\0 HTTP/1.1',
    'GE\0T /a HTTP/1.1',
    'G(T /a HTTP/1.1',
    'G\xe9T /a HTTP/1.1',
    'GET /a#b HTTP/1.1',
    'GET /a?b#c HTTP/1.1',
    'GET /\xe9 HTTP/1.1',
    'GET /a?\xe9 HTTP/1.1',
    'GET /\x7f HTTP/1.1',
    'GET a HTTP/1.1',
    'GET * HTTP/1.1',
    'OPTIONS ** HTTP/1.1',
    'OPTIONS *?a HTTP/1.1',
    'GET ?a HTTP/1.1',
    'GET b.example:80 HTTP/1.1',
    'GET http:///a HTTP/1.1',
    'GET http://u@b.example/a HTTP/1.1',
    'GET http://u:p@b.example/a HTTP/1.1',
    'GET http://b.example:http/a HTTP/1.1',
    'GET http://b.example\\a HTTP/1.1',
    'GET http:/b.example/a HTTP/1.1',
    'GET http:b.example HTTP/1.1',
    'GET ftp://b.example/a HTTP/1.1',
    'CONNECT /a HTTP/1.1',
    'CONNECT b.example HTTP/1.1',
    'CONNECT b.example: HTTP/1.1',
    'CONNECT http://b.example:80 HTTP/1.1',
    `${big(33)} /a HTTP/1.1`,
  ])('refused: %j', (line) => {
    expect(readEveryWay(`${line}\r\n${HOST}\r\n`)).toMatchObject({ requests: [], faultCode: 'bad_request' });
  });

  test.each(['HTTP/2.0', 'HTTP/0.9', 'HTTP/3.1', 'HTTP/9.9'])('%s is not spoken here', (version) => {
    const { fault, faultCode, refused } = readEveryWay(`GET /a ${version}\r\n${HOST}\r\n`);
    expect({ fault, faultCode }).toMatchObject({ faultCode: 'http_version_not_supported' });
    expect(refused).toEqual({ method: 'GET', path: '/a' });
  });

  test.each(['\r', '\n', '\n\r', '\r\r\n', '\rx', 'x\n'])('does not end in %j', (end) => {
    expect(readEveryWay(`GET /a HTTP/1.1${end}${HOST}\r\n`)).toMatchObject({ requests: [], faultCode: 'bad_request' });
  });

  test.each(['\x16\x03\x01\x02\0', 'SSH-2.0-OpenSSH_9.2\r\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'])(
    'another protocol is refused at its first line: %j',
    (text) => {
      expect(readRequests([text]).requests).toEqual([]);
      expect(readRequests([text]).fault).toBeDefined();
      expect(readRequests(text.split('')).fault).toBeDefined();
    },
  );

  test('up to four empty lines before it are read past', () => {
    for (let n = 0; n <= 4; n++) expect(one(`${'\r\n'.repeat(n)}${get()}`)).toMatchObject({ path: '/x' });
    expect(readEveryWay(`${'\r\n'.repeat(5)}${get()}`)).toMatchObject({ requests: [], faultCode: 'bad_request' });
    expect(readEveryWay(`\n${get()}`).faultCode).toBe('bad_request');
    expect(readEveryWay(`\r${get()}`).faultCode).toBe('bad_request');
    expect(readEveryWay(`\r\n \r\n${get()}`).faultCode).toBe('bad_request');
  });

  test('what is known of a refused request is there for the log', () => {
    expect(readRequests(['GET /a?b HTTP/1.1\r\n: x\r\n\r\n']).refused).toEqual({ method: 'GET', path: '/a' });
    expect(readRequests(['GET  /a HTTP/1.1\r\n\r\n']).refused).toEqual({ method: 'GET', path: '' });
    expect(readRequests(['(GET /a HTTP/1.1\r\n\r\n']).refused).toEqual({ method: '', path: '' });
  });
});

describe('fields', () => {
  test('are kept as they came, in order, and only those meant for the upstream', () => {
    const { fields, head } = one(
      get(
        'Accept: */*',
        'Connection: keep-alive',
        'X-A: 1',
        'x-b: 2',
        'Keep-Alive: timeout=5',
        'Proxy-Connection: keep-alive',
        'Proxy-Authorization: Basic eA==',
        'TE: trailers',
        'Trailer: X-Sum',
        'Expect: 200-ok',
        'Forwarded: for=1.2.3.4',
        'HTTP2-Settings: AAMAAABk',
        'X-Forwarded-For: 1.1.1.1',
        'X-C:3',
        'X-FORWARDED-FOR:  2.2.2.2 ',
        'X-Forwarded-Proto: http',
        'X-Forwarded-Proto: https',
        'X-Forwarded-Host: h',
        'X-Request-Id: id-1',
        'Via: 1.0 one',
        'Via: 1.1 two',
        'Cookie: a=1',
        'Cookie: b=2',
      ),
    );
    expect(fields).toEqual(['Accept: */*', 'X-A: 1', 'x-b: 2', 'X-C: 3', 'Cookie: a=1', 'Cookie: b=2']);
    expect(head).toMatchObject({
      forwardedFor: '1.1.1.1, 2.2.2.2',
      forwardedProto: 'http, https',
      forwardedHost: 'h',
      requestId: 'id-1',
      via: '1.0 one, 1.1 two',
      takesTrailers: true,
      contentLength: -1,
      chunked: false,
      encoding: 'latin1',
    });
  });

  test.each(NOTABLE_NAMES.filter((name) => !['host', 'content-length', 'transfer-encoding'].includes(name)))(
    '%s is known in any case, and no other name is taken for it',
    (name) => {
      expect(one(get(`${name.toUpperCase()}: 1`, `${name}: 2`)).fields).toEqual([]);
      const others = [`${name}x`, `x${name}`, name.slice(0, -1), `${name.slice(0, -1)}0`]
        .filter((other) => !isForwardingClaim(other))
        .map((other) => `${other}: 1`);
      expect(one(get(...others)).fields).toEqual(others);
    },
  );

  test.each([
    ['X:', 'X: '],
    ['X: ', 'X: '],
    ['X: \t ', 'X: '],
    ['X:a', 'X: a'],
    ['X:\ta\t', 'X: a'],
    ['X:  a  b  ', 'X: a  b'],
    ['X: a\tb', 'X: a\tb'],
    ['X: :', 'X: :'],
    ['X: \xe9', 'X: \xe9'],
    ['X-User: admin\xc3\xa9', 'X-User: admin\xc3\xa9'],
    ['X: \xa0a\xa0', 'X: \xa0a\xa0'],
    [`X: ${"!#$%&'()*+,-./[]^_`{|}~".repeat(9)}`, `X: ${"!#$%&'()*+,-./[]^_`{|}~".repeat(9)}`],
  ])('%j is forwarded as %j', (line, forwarded) => {
    expect(one(get(line)).fields).toEqual([forwarded]);
    expect(one(get('A: 1', line, 'B: 2')).fields).toEqual(['A: 1', forwarded, 'B: 2']);
    expect(one(get('Connection: close', line, 'C:3', 'Via: x')).fields).toEqual([forwarded, 'C: 3']);
  });

  test.each([...CLAIM_NAMES, ...CLAIM_PREFIXES.flatMap((prefix) => [`${prefix}a`, prefix + big(40)])])(
    '%s is a claim in any case, beside the fields',
    (name) => {
      const { fields, head } = one(get('A: 1', `${name.toUpperCase()}:  2 `, 'B: 3', `${name}: 4`));
      expect(fields).toEqual(['A: 1', 'B: 3']);
      expect(head['claims']).toBe(`${name.toUpperCase()}: 2\r\n${name}: 4\r\n`);
      expect(one(get(`x${name}: 1`, `Y${name.slice(1)}: 2`)).fields).toHaveLength(2);
    },
  );

  test('who a consumer is the gateway alone says', () => {
    const lines = ['X-Consumer-Id: a', 'x-consumer-groups:  b', `X-Consumer-${big(40)}: c`, 'X_Consumer_Id: d'];
    expect(one(get('A: 1', ...lines, 'X-Consumers: 2')).fields).toEqual(['A: 1', 'X-Consumers: 2']);
  });

  test('a claim that Connection names is meant for us', () => {
    const { fields, head } = one(get('Connection: x-forwarded-port, b', 'X-Forwarded-Port: 1', 'X-Host: h', 'B: 2'));
    expect({ fields, claims: head['claims'] }).toEqual({ fields: [], claims: 'X-Host: h\r\n' });
  });

  const AMBIGUOUS = ["!#$%&'*+-.^_`|~9zA: 1", 'X_A: 2', 'X.B: 3', '_: 4', 'C_: 5'];
  const LOOKALIKES = ['X_Forwarded_For: 6', 'Content_Length: 7', 'X.Real_IP: 8', 'Cf!Connecting~IP: 9', 'ho_st: 1'];

  test('names that some readers take for others are dropped', () => {
    expect(one(get('A: 1', ...AMBIGUOUS, ...LOOKALIKES, 'B: 2')).fields).toEqual(['A: 1', 'B: 2']);
    const { requests, fault } = readRequests([get('A: 1', 'X_A', 'B: 2')]);
    expect({ requests, fault }).toEqual({ requests: [], fault: 'A field name is empty or not a token.' });
  });

  test('or pass, if they look like none that says something here', () => {
    const stream = new RequestStream(['x-key', 'x_id'], true);
    const pass = [...AMBIGUOUS, 'ho_st: 1'];
    const { requests } = readRequests([get(...AMBIGUOUS, ...LOOKALIKES, 'X_Key: 3', 'X_Id: 4')], stream);
    expect(requests[0]?.fields).toEqual([...pass, 'X_Id: 4']);
    expect(stream.head.header('x_id')).toBe('4');
    expect(requests[0]?.head).toMatchObject({ claims: '', forwardedFor: undefined, contentLength: -1 });
  });

  test.each([
    ': x',
    ' X: a',
    '\tX: a',
    'X : a',
    'X\t: a',
    'X',
    'X Y: a',
    'X\xa0: a',
    'X(: a',
    'X": a',
    '\xe9: a',
    'X\0: a',
    'X: a\0b',
    'X: a\x7fb',
    'X: a\vb',
    'X: \x1b[2J',
    'X: a\rb',
    'X: a\r',
    'X: a\nY: b',
    'X: a\n',
    'X\r: a',
    'X\n: a',
    'X: a\r\n b',
    'X: a\r\n\tb',
    'X: a\r\n ',
    'Date: a\0',
    'Connection: a\0',
  ])('refused: %j', (line) => {
    for (const text of [get(line), get(line, 'Content-Length: 0'), get('A: 1', line)]) {
      expect(readEveryWay(text)).toMatchObject({ requests: [], faultCode: 'bad_request' });
    }
    expect(readRequests([`GET /x HTTP/1.1\r\n${line}\r\nX`]).faultCode, 'before the end').toBe('bad_request');
  });

  test.each(['\n', '\r\r\n', '\rx', '\n\r\n'])('the head does not end in %j', (end) => {
    expect(readEveryWay(`${GET}${end}`)).toMatchObject({ requests: [], faultCode: 'bad_request' });
  });

  test('nothing behind a refused request is read', () => {
    expect(readRequests([`${get(': x')}${get()}`, get()])).toMatchObject({ requests: [] });
  });

  test('a fault of one request does not stick to the next one', () => {
    const head = new NativeRequestHead(1000);
    const bad = Buffer.from(get('X : a', 'Via: 1', 'TE: trailers', 'Connection: close'));
    const good = Buffer.from(get());
    expect(head.parse(bad, 0, bad.length)).toBe(-1);
    expect(head.parse(good, 0, good.length)).toBe(good.length);
    expect(head).toMatchObject({
      fault: undefined,
      via: undefined,
      takesTrailers: false,
      persistent: true,
      fields: '',
    });
    expect(head.bytes).toBe(good.length);
  });
});

describe('Host', () => {
  const hosts = (...lines: string[]): string => `GET /x HTTP/1.1\r\n${lines.map((l) => `${l}\r\n`).join('')}\r\n`;

  test.each([
    ['Host: a.example', 'a.example'],
    ['host:a.example:80', 'a.example:80'],
    ['HOST: a.example: \t', 'a.example:'],
    ['Host: [::1]:', '[::1]:'],
  ])('%j', (line, host) => {
    expect(one(hosts(line)).host).toBe(host);
  });

  test.each([
    [],
    ['Host:'],
    ['Host: a', 'Host: a'],
    ['Host: a', 'host: b'],
    ['Host: a, b'],
    ['Host: u@a'],
    ['Host: a/b'],
    ['Host: a b'],
    ['Host: a:b'],
    ['Host: \xa0a'],
    ['Host: \xe9'],
  ])('refused: %j %j', (...lines) => {
    expect(readEveryWay(hosts(...lines))).toMatchObject({ requests: [], faultCode: 'bad_request' });
  });

  test('must be there and sound beside an absolute target, which wins', () => {
    const absolute = (fields: string): string => `GET http://b.example/ HTTP/1.1\r\n${fields}\r\n`;
    expect(one(absolute('Host: a.example\r\n')).host).toBe('b.example');
    expect(readEveryWay(absolute('')).faultCode).toBe('bad_request');
    expect(readEveryWay(absolute('Host: a b\r\n')).faultCode).toBe('bad_request');
    expect(readEveryWay(absolute('Host: a\r\nHost: a\r\n')).faultCode).toBe('bad_request');
  });

  test('need not be there in HTTP/1.0', () => {
    expect(one('GET / HTTP/1.0\r\n\r\n')).toMatchObject({ host: '', head: { minorVersion: 0 } });
    expect(one('GET / HTTP/1.0\r\nHost: a\r\n\r\n').host).toBe('a');
    expect(one('GET http://b/ HTTP/1.0\r\n\r\n').host).toBe('b');
    expect(readEveryWay('GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n').faultCode).toBe('bad_request');
    expect(readEveryWay('GET / HTTP/1.0\r\nHost: a b\r\n\r\n').faultCode).toBe('bad_request');
  });
});

describe('framing', () => {
  const post = (...fields: string[]): string => `${POST}${fields.map((field) => `${field}\r\n`).join('')}\r\n`;

  test.each([
    [`${post('Content-Length: 5')}hello`, { body: 'hello', head: { contentLength: 5 } }],
    [`${post('content-length:\t005 ')}hello`, { body: 'hello', head: { contentLength: 5 } }],
    [post('Content-Length: 0'), { body: '', head: { contentLength: 0 } }],
    [`${post('Transfer-Encoding: chunked')}0\r\n\r\n`, { body: '', head: { chunked: true } }],
    [`${post('transfer-encoding:\t CHUNKED\t ')}0\r\n\r\n`, { head: { chunked: true } }],
    [`${post('Connection: content-length', 'Content-Length: 2')}hi`, { body: 'hi' }],
    [`${post('Connection: transfer-encoding, host', 'Transfer-Encoding: chunked')}0\r\n\r\n`, { host: 'a.example' }],
    [`${post('Upgrade: h2c', 'Connection: Upgrade, HTTP2-Settings', 'Content-Length: 2')}hi`, { body: 'hi' }],
    [`${get('Content-Length: 2')}hi`, { body: 'hi' }],
  ])('%j', (text, expected) => {
    const request = one(text);
    expect(request).toMatchObject({ complete: true, ...expected });
    expect(request.fields).toEqual([]);
  });

  test.each([
    ['Content-Length:'],
    ['Content-Length: +5'],
    ['Content-Length: -5'],
    ['Content-Length: 5, 5'],
    ['Content-Length: 5,5'],
    ['Content-Length: 5 5'],
    ['Content-Length: 0x5'],
    ['Content-Length: 5.0'],
    ['Content-Length: 5\xa0'],
    ['Content-Length: 9007199254740993'],
    ['Content-Length: 18446744073709551621'],
    ['Content-Length: 5', 'Content-Length: 5'],
    ['Content-Length: 5', 'content-length: 6'],
    ['Content-Length: 5', 'Content-Length:'],
    ['Transfer-Encoding:'],
    ['Transfer-Encoding: \xa0chunked\xa0'],
    ['Transfer-Encoding: chunked\xa0'],
    ['Transfer-Encoding: gzip, chunked'],
    ['Transfer-Encoding: chunked, chunked'],
    ['Transfer-Encoding: chunked,'],
    ['Transfer-Encoding: identity'],
    ['Transfer-Encoding: chunked;q=1'],
    ['Transfer-Encoding: "chunked"'],
    ['Transfer-Encoding: xchunked'],
    ['Transfer-Encoding: chunke'],
    ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'],
    ['Transfer-Encoding: identity', 'Transfer-Encoding: chunked'],
    ['Transfer-Encoding: chunked', 'Content-Length: 5'],
    ['Content-Length: 5', 'Transfer-Encoding: chunked'],
    ['Content-Length: 0', 'Transfer-Encoding: chunked'],
    ['Content-Length : 5'],
    ['Transfer-Encoding : chunked'],
    [': x', 'Content-Length: 5'],
  ])('refused: %j %j', (...fields) => {
    const read = readEveryWay(`${post(...fields)}0\r\n\r\n${get()}`);
    expect(read).toMatchObject({ requests: [], faultCode: 'bad_request' });
  });

  test('HTTP/1.0 has lengths but no chunks', () => {
    expect(one('POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi')).toMatchObject({ body: 'hi' });
    const chunked = 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n';
    expect(readEveryWay(chunked)).toMatchObject({ requests: [], faultCode: 'bad_request' });
  });

  test('requests that follow each other are read apart', () => {
    const texts = [get('A: 1'), `${post('Content-Length: 3')}a\r\n`, `\r\n${get('B: 2')}`];
    const chunked = `${post('Transfer-Encoding: chunked')}5;a\r\nhello\r\n0\r\n\r\n`;
    const { requests } = readEveryWay(`${texts.join('')}${chunked}${get('Cookie: c')}`);
    expect(requests.map(({ body, fields }) => [body, ...fields])).toEqual([
      ['', 'A: 1'],
      ['a\r\n'],
      ['', 'B: 2'],
      ['hello'],
      ['', 'Cookie: c'],
    ]);
  });
});

describe('the connection', () => {
  const old = (...fields: string[]): string =>
    `GET / HTTP/1.0\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n`;

  test.each([
    [get(), true],
    [get('Connection: keep-alive'), true],
    [get('Connection: close'), false],
    [get('connection:CLOSE '), false],
    [get('Connection: TE, close'), false],
    [get('Connection: close, TE'), false],
    [get('Connection: x,,Close\t,y'), false],
    [get('Connection: keep-alive', 'Connection: close'), false],
    [get('Connection: close', 'Connection: keep-alive'), false],
    [get('Connection: closed'), true],
    [get('Connection: xclose'), true],
    [get('Connection: close\xa0'), true],
    [get('Proxy-Connection: close'), true],
    [old(), false],
    [old('Connection: keep-alive'), true],
    [old('Connection: Keep-Alive, x'), true],
    [old('Connection: keep-alive, close'), false],
    [old('Connection: x'), false],
    ['GET / HTTP/1.3\r\nHost: a\r\n\r\n', true],
  ])('%j allows another request: %s', (text, persistent) => {
    expect(one(text).head['persistent']).toBe(persistent);
  });

  test('fields that Connection names go no further, wherever they stand', () => {
    const named = one(get('X-A: 1', 'x-b:2', 'Connection: x-A, X-B ,close, cookie', 'X-C: 3', 'Cookie: c', 'X-a: 4'));
    expect(named.fields).toEqual(['X-C: 3']);
    expect(named.head['connectionNamed']).toEqual(new Set(['x-a', 'x-b', 'cookie']));
    expect(one(get('Connection: x-d', 'X-A: 1')).fields).toEqual(['X-A: 1']);
    expect(one(get('Connection: te, upgrade, host, content-length')).head['connectionNamed']).toBeUndefined();
  });

  test.each([
    [get('Expect: 100-continue'), true],
    [get('Expect: 100-Continue'), true],
    [get('expect:100-CONTINUE '), true],
    [get('Expect: 200-ok'), false],
    [get('Expect: 100-continue, x'), false],
    [get(), false],
    [old('Expect: 100-continue'), false],
  ])('%j waits for 100: %s', (text, expectsContinue) => {
    const request = one(text);
    expect(request.head['expectsContinue']).toBe(expectsContinue);
    expect(request.fields).toEqual([]);
  });

  test.each([
    [get('Upgrade: websocket', 'Connection: Upgrade'), 'websocket'],
    [get('Connection: keep-alive, upgrade', 'Upgrade: h2c', 'Upgrade: websocket'), 'h2c, websocket'],
    [get('Upgrade: websocket'), ''],
    [get('Connection: upgrade'), ''],
    [old('Upgrade: websocket', 'Connection: Upgrade'), ''],
  ])('%j asks for %j', (text, upgrade) => {
    expect(one(text).head['upgrade']).toBe(upgrade);
  });

  test.each([
    ['TE: trailers', true],
    ['te:\tTrailers ', true],
    ['TE: gzip;q=0.5, trailers', true],
    ['TE: trailers;q=0.5', true],
    ['TE: trailers;q=0', false],
    ['TE: trailers ; q=0.000 , gzip', false],
    ['TE: gzip', false],
    ['TE: trailersx', false],
    ['TE: x;trailers', false],
    ['TE: trailers\xa0', false],
    ['TE:', false],
  ])('%j takes trailers: %s', (line, takesTrailers) => {
    const request = one(get(line, 'Connection: TE'));
    expect(request.head['takesTrailers']).toBe(takesTrailers);
    expect(request.fields).toEqual([]);
    expect(one(old(line)).head['takesTrailers']).toBe(false);
  });
});

describe('names of clients', () => {
  const NAMES = ['x-api-key', 'authorization', 'x-apx-key', `x-${big(40)}`, `x-${big(41)}`, 'host'];
  const header = (text: string, name: string): string | undefined => {
    const stream = new RequestStream(NAMES);
    readRequests([text], stream);
    return stream.head.header(name);
  };

  test.each([
    [get('X-Api-Key: k'), 'x-api-key', 'k'],
    [get('X-API-KEY:\tk '), 'x-api-key', 'k'],
    [get('X-Api-Key:'), 'x-api-key', ''],
    [get('X-Apx-Key: k'), 'x-api-key', undefined],
    [get('X-Apx-Key: k'), 'x-apx-key', 'k'],
    [get(`X-${big(40)}: k`, `X-${big(41)}: l`), `x-${big(41)}`, 'l'],
    [get(`X-${big(40)}: k`, `X-${big(41)}: l`), `x-${big(40)}`, 'k'],
    [get(), 'authorization', undefined],
    [get(), 'host', undefined],
    [get('Authorization: k'), 'x-other', undefined],
    [get('X-Api-Key: caf\xc3\xa9'), 'x-api-key', 'café'],
    [get('X-Api-Key: caf\xe9'), 'x-api-key', '\0caf\xe9'],
    [get('X-Api-Key: \xed\xa0\x80'), 'x-api-key', '\0\xed\xa0\x80'],
  ])('%j has %s = %j', (text, name, value) => {
    expect(header(text, name)).toBe(value);
  });

  test.each([
    get('X-Api-Key: a', 'x-api-key: b'),
    get('X-Api-Key: a', 'B: 1', 'X-Api-Key: a'),
    get('X-Api-Key:', 'x-api-key: b'),
    get('X-Api-Key: a', 'x-api-key:'),
    get('Connection: x-api-key', 'X-Api-Key: a'),
    get('X-Api-Key: a', 'Connection: close, X-API-KEY'),
    get('Connection: authorization'),
  ])('%j leaves open who the client is, and is refused', (text) => {
    expect(readEveryWay(text, NAMES)).toMatchObject({ requests: [], faultCode: 'bad_request' });
    expect(readEveryWay(text)).toMatchObject({ fault: undefined });
  });

  test('their fields are forwarded like others, and forgotten with the next head', () => {
    expect(one(get('A: 1', 'X-Api-Key: k', 'B: 2', 'Authorization:l'), NAMES).fields).toEqual([
      'A: 1',
      'X-Api-Key: k',
      'B: 2',
      'Authorization: l',
    ]);
    const stream = new RequestStream(NAMES);
    stream.feed(get('X-Api-Key: k'));
    stream.feed(get());
    expect(stream.head.header('x-api-key')).toBeUndefined();
  });

  test('they may change', () => {
    const stream = new RequestStream(['a', 'b']);
    stream.head.identifying = new Set(['b']);
    stream.feed(get('A: 1', 'B: 2'));
    expect([stream.head.header('a'), stream.head.header('b')]).toEqual([undefined, '2']);
  });
});

describe('sizes', () => {
  const sized = (bytes: number): string => get(`X: ${big(bytes - GET.length - 7)}`);
  const pieces = (text: string): string[] => text.match(/[^]{1,1000}/g) ?? [];
  const splits = [(text: string) => [text], pieces, (text: string) => text.split('')];

  test('a head of 16 KiB is taken, one more byte is too much', () => {
    for (const split of splits) {
      expect(readRequests(split(sized(16_384)))).toMatchObject({ fault: undefined, requests: [{ complete: true }] });
      expect(readRequests(split(`\r\n\r\n${sized(16_384)}`)).fault).toBeUndefined();
      const { requests, faultCode, refused } = readRequests(split(sized(16_385)));
      expect({ requests, faultCode }).toEqual({ requests: [], faultCode: 'header_too_large' });
      expect(refused).toEqual({ method: 'GET', path: '/x' });
      expect(readRequests(split(`${GET}X: ${big(100_000)}`)).faultCode).toBe('header_too_large');
    }
  });

  test('so is a request line that leaves no room for fields', () => {
    for (const split of splits) {
      const { faultCode, refused } = readRequests(split(`GET /${big(20_000)} HTTP/1.1\r\n${HOST}\r\n`));
      expect(faultCode).toBe('uri_too_long');
      expect(refused).toMatchObject({ method: 'GET' });
      expect(readRequests(split(`GET /${big(16_360)} HTTP/1.1\r\n${HOST}\r\n`)).faultCode).toBe('header_too_large');
    }
  });

  test('256 fields are taken', () => {
    const fields = Array.from({ length: MAX_FIELDS - 1 }, (_, i) => `X-${i}:${i}`);
    const tidy = fields.map((field) => field.replace(':', ': '));
    expect(one(get(...fields)).fields).toEqual(tidy);
    const alternating = tidy.flatMap((field, i) => (i % 2 === 0 ? [field] : [`Via: ${i}`]));
    expect(one(get(...alternating)).fields).toEqual(tidy.filter((_, i) => i % 2 === 0));
    expect(readEveryWay(get(...fields, 'A: 1'))).toMatchObject({ requests: [], faultCode: 'header_too_large' });
  });

  test('heads without end are read in linear time', () => {
    const blanks = ' '.repeat(15_000);
    expect(one(get(`X-A: a${blanks}b`)).fields).toEqual([`X-A: a${blanks}b`]);
    const before = process.cpuUsage();
    const head = Buffer.from(get(`X-A:${blanks}a`));
    const parser = new NativeRequestHead(16_384);
    for (let i = 0; i < 100; i++) expect(parser.parse(head, 0, head.length)).toBe(head.length);
    const { user } = process.cpuUsage(before);
    expect(user / 1_000).toBeLessThan(5_000); // 100 times take milliseconds; quadratic it would be a minute
  });
});
