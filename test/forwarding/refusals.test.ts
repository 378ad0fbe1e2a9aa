import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, requestText, statusOf, takeMessage } from '../support/http.ts';
import { startPair } from '../support/pair.ts';
import type { Pair } from '../support/pair.ts';
import { rawClient } from '../support/raw.ts';

let pair: Pair;
beforeAll(async () => {
  pair = await startPair();
});
afterAll(() => pair[Symbol.asyncDispose]());

/** What came back until the gateway closed; the bytes the upstream saw meanwhile must be those of one good request. */
async function refused(bytes: string | Buffer): Promise<string> {
  const seen = () => pair.upstream.connections.reduce((sum, each) => sum + each.received().length, 0);
  const before = seen();
  using client = await rawClient(pair.port);
  client.send(bytes);
  const text = await client.closed();
  // Whatever would have gone before it has arrived when this one is answered.
  expect(statusOf(await ask(pair.port, requestText('GET', '/proxy/good')))).toBe(200);
  const good = pair.upstream.requests.at(-1)?.raw ?? '';
  expect(good.startsWith('GET /good HTTP/1.1')).toBe(true);
  expect(seen() - before, 'bytes that reached the upstream').toBe(good.length);
  return text;
}

const post = (...fields: readonly string[]): string => requestText('POST', '/proxy/refused', fields);
const get = (target: string, ...fields: readonly string[]): string => requestText('GET', target, fields);
const hosts = (...fields: readonly string[]): string => ['GET /proxy/x HTTP/1.1', ...fields, '', ''].join('\r\n');

/** Refused by the gateway itself: problem+json with its code. */
const OWN: readonly (readonly [name: string, request: string | Buffer])[] = [
  ['two differing lengths', `${post('Content-Length: 5', 'Content-Length: 6')}hello`],
  ['two equal lengths', `${post('Content-Length: 5', 'Content-Length: 5')}hello`],
  ['a list of codings', `${post('Transfer-Encoding: gzip, chunked')}0\r\n\r\n`],
  ['chunked twice', `${post('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked')}0\r\n\r\n`],
  ['chunked twice in a list', `${post('Transfer-Encoding: chunked, chunked')}0\r\n\r\n`],
  ['identity', `${post('Transfer-Encoding: identity')}0\r\n\r\n`],
  ['coding with a parameter', `${post('Transfer-Encoding: chunked;q=1')}0\r\n\r\n`],
  ['# in the target', get('/proxy/x#y')],
  ['# in the query', get('/proxy/x?y#z')],
  ['a byte beyond ASCII in the target', get('/proxy/caf\xe9')],
  ['UTF-8 in the target', get(Buffer.from('/proxy/café').toString('latin1'))],
  ['a byte beyond ASCII in the query', get('/proxy/x?q=caf\xe9')],
  ['an empty Host', hosts('Host: ')],
  ['a list as Host', hosts('Host: a.example, b.example')],
  ['a Host with a path', hosts('Host: a.example/b')],
  ['a Host with user info', hosts('Host: u@a.example')],
  ['a Host with a bad port', hosts('Host: a.example:http')],
  ['a Host with a space', hosts('Host: a b')],
  ['DEL in a value', get('/proxy/x', 'X-A: a\x7fb')],
  ['climbing above the root', get('/proxy/../../x')],
  ['an escaped NUL', get('/proxy/%00')],
  ['a bad escape', get('/proxy/%zz')],
  ['an unfinished escape', get('/proxy/%2')],
  ['a backslash', get('/proxy/..\\x')],
  ['a hidden dot segment', get('/proxy/a%2f..%2fb')],
  ['a dot segment with a parameter', get('/proxy/..;x=1/b')],
];

/** Some of these never reach a handler: uWebSockets.js answers in its own words (or ours); only status and end count. */
const ANY: readonly (readonly [name: string, request: string | Buffer])[] = [
  ['an empty length', `${post('Content-Length: ')}hello`],
  ['a list of lengths', `${post('Content-Length: 5, 5')}hello`],
  ['a signed length', `${post('Content-Length: +5')}hello`],
  ['a negative length', `${post('Content-Length: -5')}hello`],
  ['a hexadecimal length', `${post('Content-Length: 0x5')}hello`],
  ['a length of words', `${post('Content-Length: five')}hello`],
  ['a length beyond 2^64', `${post('Content-Length: 18446744073709551617')}h`],
  ['length and chunked', `${post('Content-Length: 5', 'Transfer-Encoding: chunked')}0\r\n\r\n`],
  ['chunked and length', `${post('Transfer-Encoding: chunked', 'Content-Length: 5')}0\r\n\r\n`],
  ['another coding', `${post('Transfer-Encoding: gzip')}hello`],
  ['a control in a value', get('/proxy/x', 'X-A: a\x01b')],
  ['an empty coding', `${post('Transfer-Encoding: ')}hello`],
  ['a coding behind a control', `${post('Transfer-Encoding:\x0bchunked')}0\r\n\r\n`],
  ['space before the colon', `${post('Content-Length : 5')}hello`],
  ['a folded line', get('/proxy/x', 'X-A: a', ' b')],
  ['a field without colon', get('/proxy/x', 'nonsense')],
  ['a field name that is no token', get('/proxy/x', 'X(A): a')],
  ['NUL in a value', get('/proxy/x', 'X-A: a\0b')],
  ['a bare LF as line end', 'GET /proxy/x HTTP/1.1\nHost: a\n\n'],
  ['no Host', hosts('X-A: b')],
  ['two Hosts', hosts('Host: a.example', 'Host: a.example')],
  ['a method with a space', requestText('GE T', '/proxy/x')],
  ['a method that is no token', requestText('G{T', '/proxy/x')],
  ['HTTP/2.0', 'GET /proxy/x HTTP/2.0\r\nHost: a\r\n\r\n'],
  ['the HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['a TLS hello', Buffer.from('16030100050100000100', 'hex')],
  ['a bad chunk size', `${post('Transfer-Encoding: chunked')}zz\r\nhello\r\n0\r\n\r\n`],
  ['a chunk size beyond 2^64', `${post('Transfer-Encoding: chunked')}fffffffffffffffff\r\nhello\r\n0\r\n\r\n`],
];

describe('refused by the gateway: 400 as problem+json, closed, nothing forwarded', () => {
  it.each(OWN)('%s', async (_name, request) => {
    const text = await refused(request);
    const answer = takeMessage(text);
    expect(answer?.startLine).toBe('HTTP/1.1 400 Bad Request');
    expect(JSON.parse(answer?.body ?? '')).toMatchObject({ status: 400, code: 'bad_request' });
    expect(text.length, 'one answer, nothing after it').toBe(answer?.raw.length);
  });
});

describe('refused, by whichever part: 4xx or 5xx, closed, nothing forwarded', () => {
  it.each(ANY)('%s', async (_name, request) => {
    const text = await refused(request);
    expect(text).toMatch(/^HTTP\/1\.1 (400|431|505) [^]*$/);
    expect(text.split(/HTTP\/1\.1 \d/).length - 1, 'answers').toBe(1);
  });
});
