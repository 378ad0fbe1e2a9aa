import { describe, expect, test } from 'vitest';
import { BAD_CHUNKS, FREE_CHUNKS, RequestBodyDecoder } from './request-body-decoder.ts';
import type { TrailerRules } from './request-body-decoder-trailers.ts';

/** Decodes one body that arrives as `pieces`, in the same memory, and reports on it. */
function decode(pieces: readonly string[], rules?: TrailerRules) {
  const decoder = new RequestBodyDecoder();
  decoder.reset(rules);
  let body = '';
  let rest = '';
  let fedChunks = 0;
  for (const piece of pieces) {
    const bytes = Buffer.from(`..${piece}`, 'latin1');
    const end = decoder.decode(bytes, 2, bytes.length);
    if (end === BAD_CHUNKS) return { fault: decoder.fault, fedChunks };
    fedChunks++;
    body += bytes.toString('latin1', decoder.start, decoder.end);
    rest += bytes.toString('latin1', end);
  }
  return { body, rest, done: decoder.done, trailers: decoder.trailers, fedChunks };
}

function decodeEveryWay(text: string, rules?: TrailerRules) {
  const { fedChunks: _, ...whole } = decode([text], rules);
  const same = (pieces: string[], how: string): void => {
    const { fedChunks: _, ...result } = decode(pieces, rules);
    expect(result, how).toEqual(whole);
  };
  same(text.split(''), 'byte by byte');
  for (let i = 1; i < text.length && text.length < 300; i++) same([text.slice(0, i), text.slice(i)], `cut at ${i}`);
  return whole;
}

const big = (bytes: number): string => 'a'.repeat(bytes);

describe('bodies that are taken', () => {
  test.each([
    ['0\r\n\r\n', ''],
    ['5\r\nhello\r\n0\r\n\r\n', 'hello'],
    ['5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n', 'hello!'],
    ['A\r\n0123456789\r\na\r\n9876543210\r\n0\r\n\r\n', '01234567899876543210'],
    ['0000000000000002\r\nhi\r\n00\r\n\r\n', 'hi'],
    ['5;a\r\nhello\r\n0\r\n\r\n', 'hello'],
    ['5;name=value\r\nhello\r\n0;last\r\n\r\n', 'hello'],
    ['5;name="a;b"\r\nhello\r\n0\r\n\r\n', 'hello'],
    ['5 ;x\r\nhello\r\n0\r\n\r\n', 'hello'],
    ['5\t ; x = "\xe9" ;\r\nhello\r\n0\r\n\r\n', 'hello'],
    ['5 \r\nhello\r\n0\t \r\n\r\n', 'hello'],
    ['4\r\n\r\n\r\n\r\n0\r\n\r\n', '\r\n\r\n'],
  ])('%j', (text, body) => {
    expect(decodeEveryWay(text)).toEqual({ body, rest: '', done: true, trailers: '' });
  });

  test('what follows the body is left alone', () => {
    const { body, done } = decode(['2\r\nhi\r\n0\r\n\r\n', 'GET']);
    expect({ body, done }).toEqual({ body: 'hi', done: true });
    expect(decode(['2\r\nhi\r\n0\r\n\r\nGET /']).rest).toBe('GET /');
    expect(decode(['2\r\nhi\r\n0\r\nX: 1\r\n\r\n\r\n']).rest).toBe('\r\n');
  });

  test('an end that has not come is not there', () => {
    const text = '2\r\nhi\r\n0\r\nX: 1\r\n\r\n';
    for (let i = 0; i < text.length; i++) expect(decode([text.slice(0, i)]).done).toBe(false);
  });
});

describe('bodies that are refused', () => {
  test.each([
    '\r\nhi\r\n0\r\n\r\n',
    'g\r\n',
    ':\r\n',
    '-1\r\n',
    '+1\r\n',
    '0x5\r\nhello\r\n',
    '1_0\r\n',
    ' 5\r\nhello\r\n',
    ';5\r\n',
    '\xb2\r\n',
    '20000000000000\r\n',
    '10000000000000002\r\n',
    `${'0'.repeat(17)}\r\n\r\n`,
    '5 x\r\nhello\r\n',
    '5 5\r\nhello\r\n',
    '5\v\r\nhello\r\n',
    '5\xa0\r\nhello\r\n',
    '5\nhello\r\n',
    '5\rhello\r\n',
    '5\r\r\nhello\r\n',
    '5\rx',
    '5 \nhello\r\n',
    '5;a\nhello\r\n',
    '5;a\0\r\nhello\r\n',
    '5;a\rb\r\nhello\r\n',
    '5;a="\r\n"\r\nhello\r\n',
    '2\r\nhix\r\n',
    '2\r\nhi0\r\n\r\n',
    '2\r\nhi\n0\r\n\r\n',
    '2\r\nhi\r0\r\n\r\n',
    '2\r\nhi\rx',
    '2\r\nhix\n0\r\n\r\n',
    '3\r\nhi\r\n0\r\n\r\n',
    '0\n\r\n',
    '0\r\n\n',
    '0\r\n\rx',
    '0\r\nX\r\n\r\n',
    '0\r\n: a\r\n\r\n',
    '0\r\nX : a\r\n\r\n',
    '0\r\n X: a\r\n\r\n',
    '0\r\nX: a\r\n b\r\n\r\n',
    '0\r\nX: a\0\r\n\r\n',
    '0\r\nX: a\n\r\n',
    '0\r\nX: a\rb\r\n\r\n',
    '0\r\nGET / HTTP/1.1\r\n\r\n',
  ])('%j', (text) => {
    expect(decodeEveryWay(text)).toEqual({ fault: 'The chunked body is malformed.' });
  });
});

describe('trailers', () => {
  const trailers = (section: string, rules?: TrailerRules) => decodeEveryWay(`0\r\n${section}\r\n`, rules).trailers;

  test.each([
    ['X-Sum: 1\r\n', 'X-Sum: 1\r\n'],
    ['x-sum:1 \r\nETag:  "a" \r\n', 'x-sum: 1\r\nETag: "a"\r\n'],
    ['X:\r\n', 'X: \r\n'],
    ['X: \xe9:\r\n', 'X: \xe9:\r\n'],
    ['Content-Length: 5\r\nX: 1\r\nTRANSFER-ENCODING: chunked\r\nCookie: a\r\n', 'X: 1\r\n'],
    ['Authorization: a\r\nX_Forwarded_For: 1.2.3.4\r\nHost: b\r\n', ''],
  ])('of %j go on %j', (section, forwarded) => {
    expect(trailers(section)).toBe(forwarded);
  });

  test('what names clients and what Connection named does not go on', () => {
    const rules = { identifying: new Set(['x-key']), connectionNamed: new Set(['x-hop']), passesAmbiguous: false };
    expect(trailers('X-KEY: 1\r\nX-A: 2\r\nx-hop: 3\r\n', rules)).toBe('X-A: 2\r\n');
  });

  test('ambiguous names go on only where they pass, and look like no name that may not', () => {
    const rules = { identifying: new Set(['x-key']), connectionNamed: undefined, passesAmbiguous: true };
    const section = 'X_Sum: 1\r\nX_Key: 2\r\nX.Api.Key: 3\r\nContent_Length: 4\r\n';
    expect(trailers(section)).toBe('');
    expect(trailers(section, rules)).toBe('X_Sum: 1\r\n');
  });

  test('the head may be reused meanwhile', () => {
    const rules: { identifying: Set<string>; connectionNamed: Set<string> | undefined; passesAmbiguous: boolean } = {
      identifying: new Set(),
      passesAmbiguous: false,
      connectionNamed: new Set(['x-hop']),
    };
    const decoder = new RequestBodyDecoder();
    decoder.reset(rules);
    rules.connectionNamed = undefined;
    const bytes = Buffer.from('0\r\nX-Hop: 1\r\n\r\n');
    expect(decoder.decode(bytes, 0, bytes.length)).toBe(bytes.length);
    expect(decoder).toMatchObject({ done: true, trailers: '' });
  });

  test('one body says nothing of the next', () => {
    const decoder = new RequestBodyDecoder();
    for (const [text, expected] of [
      ['0\r\nX: 1\r\n\r\n', 'X: 1\r\n'],
      ['0\r\n\r\n', ''],
    ] as const) {
      decoder.reset();
      const bytes = Buffer.from(text);
      expect(decoder.decode(bytes, 0, bytes.length)).toBe(bytes.length);
      expect(decoder.trailers).toBe(expected);
    }
  });
});

describe('what costs more than it is', () => {
  test('extensions are bounded over the whole body', () => {
    const chunk = `1;${big(1023)}\r\nx\r\n`; // the ";" is not counted
    expect(decode([`${chunk.repeat(16)}0\r\n\r\n`]).done).toBe(true);
    expect(decode([`${chunk.repeat(16)}0;${big(17)}\r\n\r\n`])).toMatchObject({
      fault: 'The chunk extensions are too large.',
    });
    expect(decode([`1${' '.repeat(20_000)}\r\n`]).fault).toBe('The chunk extensions are too large.');
  });

  test('trailers are bounded', () => {
    expect(decode([`0\r\nX: ${big(16_000)}\r\n\r\n`]).done).toBe(true);
    expect(decode([`0\r\n${`X: ${big(1000)}\r\n`.repeat(17)}\r\n`]).fault).toBe('The trailer fields are too large.');
    expect(decode([`0\r\n${big(17_000)}`]).fault).toBe('The trailer fields are too large.');
  });

  test('a thousand chunks of one byte are taken, two million are refused soon after', () => {
    const chunk = '1\r\nx\r\n';
    expect(decode([`${chunk.repeat(FREE_CHUNKS)}0\r\n\r\n`]).done).toBe(true);
    const { fault, fedChunks } = decode(Array.from({ length: 2_000 }, () => chunk));
    expect(fault).toBe('The body comes in too many tiny chunks.');
    expect(fedChunks).toBeGreaterThanOrEqual(FREE_CHUNKS);
    expect(fedChunks).toBeLessThan(FREE_CHUNKS + 100);
    expect(decode([chunk.repeat(2_000_000)]).fault).toBe('The body comes in too many tiny chunks.');
  });

  test('small lines may be streamed for ever, also with their line end apart', () => {
    const line = '14\r\n{"temperature":21.5}\r\n';
    const withEnd = '22\r\n{"temperature":21.5,"humidity":40}\r\n1\r\n\n\r\n';
    expect(decode([`${line.repeat(100_000)}0\r\n\r\n`]).done).toBe(true);
    expect(decode([`${withEnd.repeat(100_000)}0\r\n\r\n`]).done).toBe(true);
    expect(decode(['f\r\n0123456789abcde\r\n'.repeat(3_000)]).fault).toBeDefined();
  });
});
