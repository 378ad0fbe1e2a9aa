import { expect, test } from 'vitest';
import { NativeRequestHead } from './head-parser.ts';
import { INCOMPLETE, MALFORMED } from './head-parser-start.ts';
import { HeldRequestHead } from './held-request-head.ts';

const HEAD = 'GET /x HTTP/1.1\r\nHost: a\r\nX-A:1\r\n\r\n';

/** Appends one piece after the other from the same memory, which is overwritten after each. */
function append(pieces: readonly string[], maxHeaderBytes = 1000) {
  const head = new NativeRequestHead(maxHeaderBytes);
  const held = new HeldRequestHead(head);
  const memory = Buffer.alloc(4096);
  let taken = 0;
  for (const piece of pieces) {
    const from = memory.write('....', 'latin1');
    const to = from + memory.write(piece, from, 'latin1');
    const end = held.append(memory, from, to);
    memory.fill(0xff);
    if (end !== INCOMPLETE) return { end: end === MALFORMED ? end : end - from, taken, head };
    taken += piece.length;
  }
  return { end: INCOMPLETE, taken, head };
}

test('the head ends at its empty line; what follows stays where it is', () => {
  const { end, head } = append([HEAD.slice(0, 20), `${HEAD.slice(20)}BODY`]);
  expect(end).toBe(HEAD.length - 20);
  expect(head).toMatchObject({ path: '/x', fields: 'X-A: 1\r\n', host: 'a' });
});

test('it grows with the head', () => {
  const value = 'v'.repeat(900);
  const { end, head } = append([...HEAD.slice(0, -2).split(''), `X-B: ${value}\r\n`, '\r\n']);
  expect(end).toBe(2);
  expect(head.fields).toBe(`X-A: 1\r\nX-B: ${value}\r\n`);
});

test('empty lines before the request line do not end it', () => {
  expect(append(['\r\n', '\r', '\n\r\n', HEAD]).end).toBe(HEAD.length);
});

test.each([
  ['a control', 'GET /x HTTP/1.1\r\nX: a\0', 'bad_request'],
  ['a bare LF', 'GET /x HTTP/1.1\r\nX: a\n', 'bad_request'],
  ['a bare CR', 'GET /x HTTP/1.1\r\nX: a\rb', 'bad_request'],
  ['a bare CR before CRLF', 'GET /x HTTP/1.1\r\nX: a\r\r', 'bad_request'],
  ['another protocol', '\x16\x03', 'bad_request'],
  ['a request line of HTTP/2', 'GET /x HTTP/2.0\r\n', 'http_version_not_supported'],
  ['a request line without version', 'GET /x\r\n', 'bad_request'],
  ['a line without end', `GET /${'x'.repeat(1100)}`, 'uri_too_long'],
  ['fields without end', `GET /x HTTP/1.1\r\nX: ${'x'.repeat(1000)}`, 'header_too_large'],
])('%s is refused without waiting for the end of the head', (_name, text, code) => {
  for (const pieces of [[text], text.split(''), [text.slice(0, 1), text.slice(1)]]) {
    const { end, head } = append(pieces);
    expect(end).toBe(MALFORMED);
    expect(head.faultCode).toBe(code);
    expect(head.fault).toBeDefined();
  }
});

test('a head of exactly the largest size is taken, one more byte is not', () => {
  expect(append(HEAD.split(''), HEAD.length)).toMatchObject({ end: 1, taken: HEAD.length - 1 });
  expect(append(`\r\n${HEAD}`.split(''), HEAD.length).end).toBe(1);
  expect(append(HEAD.split(''), HEAD.length - 1).head.faultCode).toBe('header_too_large');
});
