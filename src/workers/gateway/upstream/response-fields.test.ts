import { describe, expect, test } from 'vitest';
import { cut, readAnswer, RecordingParser } from './read-answer.fixture.ts';
import type { Answer } from './read-answer.fixture.ts';

const OK = 'HTTP/1.1 200 OK\r\n';

/** One read, and byte by byte: the same. */
function read(text: string, method = 'GET'): Answer {
  const whole = readAnswer([text], method);
  expect(readAnswer(text.split(''), method)).toEqual(whole);
  expect(readAnswer(cut(text, [text.indexOf('\r\n\r\n') + 2]), method)).toEqual(whole);
  return whole;
}

function fieldsOf(lines: string): string {
  return read(`${OK}${lines}Content-Length: 0\r\n\r\n`).fields;
}

describe('the status line', () => {
  test.each([
    ['200 OK', '200 OK'],
    ['200', '200 OK'],
    ['200 ', '200 OK'],
    ['404 Not Found', '404 Not Found'],
    ['404 Nothing here, sorry', '404 Nothing here, sorry'],
    ['200 O', '200 O'],
    ['200 OKAY', '200 OKAY'],
    ['200 ok ', '200 ok '],
    ['200 caf\xe9', '200 OK'],
    ['200 O\tK', '200 OK'],
    ['299', '299 '],
    ['299 Odd', '299 Odd'],
    ['299 Od\xe9', '299 '],
    ['599 x', '599 x'],
    ['600 Odd', '600 Odd'],
    ['999', '999 '],
  ])('%j is passed on as %j', (line, expected) => {
    const answer = read(`HTTP/1.1 ${line}\r\nContent-Length: 0\r\n\r\n`);
    expect(answer).toMatchObject({ fault: undefined, statusLine: expected, complete: true });
  });
});

describe('the fields', () => {
  test('pass in order, with duplicates', () => {
    const lines = 'A: 1\r\nSet-Cookie: a=b\r\nset-cookie: c=d\r\nB: 2\r\n';
    expect(fieldsOf(lines)).toBe('A: 1\r\nSet-Cookie: a=b\r\nset-cookie: c=d\r\nB: 2');
  });

  test('lose those that end here, wherever they stand and however they are written', () => {
    const removed = [
      'Connection: keep-alive',
      'KEEP-ALIVE: timeout=5',
      'proxy-connection: keep-alive',
      'Upgrade: h2c',
      'TE: trailers',
      'Trailer: X',
      'Date: Mon, 23 Nov 2026 12:00:00 GMT',
    ];
    for (const line of removed) {
      expect(fieldsOf(`${line}\r\n`)).toBe('');
      expect(fieldsOf(`${line}\r\nA: 1\r\n`)).toBe('A: 1');
      expect(fieldsOf(`A: 1\r\n${line}\r\nB: 2\r\n`)).toBe('A: 1\r\nB: 2');
      expect(fieldsOf(`A: 1\r\n${line}\r\n${line}\r\nB: 2\r\nC: 3\r\n${line}\r\n`)).toBe('A: 1\r\nB: 2\r\nC: 3');
    }
  });

  test('are whole when the last line is one of them', () => {
    const after = (lines: string): string => read(`${OK}Content-Length: 0\r\n${lines}\r\n`).fields;
    expect(after('A: 1\r\n')).toBe('A: 1');
    expect(after('A: 1\r\nDate: x\r\nBc: 23\r\n')).toBe('A: 1\r\nBc: 23');
  });

  test('keep what only looks like them, and proxy-authenticate', () => {
    const lines = [
      'Dates: x',
      'Data: x',
      'Te2: x',
      'T: x',
      'Connectiom: close',
      'Connection-: close',
      'Keep_Alive: timeout=5',
      'Content-Lengti: 7',
      'Content-Lengthy: 7',
      'Transfer-Encodinh: chunked',
      'Transfer_Encoding: chunked',
      'Proxy-Authenticate: Basic',
      'Upgrades: x',
      'Content_Length: 7',
      'x'.repeat(34) + ': 1', // 34 = 2 + 32, in case lengths are taken modulo 32
    ].join('\r\n');
    expect(fieldsOf(`${lines}\r\n`)).toBe(lines);
  });

  test('lose what Connection lists, before or after it', () => {
    expect(fieldsOf('X-Foo: 1\r\nA: 1\r\nConnection: x-foo , X-BAR,,close\r\nx-bar: 2\r\nX-FOO: 3\r\nB: 2\r\n')).toBe(
      'A: 1\r\nB: 2',
    );
    expect(fieldsOf('X-Foo: 1\r\nConnection: X-Foo\r\nConnection: A\r\nA: 1\r\n')).toBe('');
    expect(fieldsOf('Connection: x-none\r\n')).toBe('');
  });

  test('are written in one way', () => {
    expect(fieldsOf('A:1\r\nB:  2\r\nC: 3 \t\r\nD:\t4\r\nE:\r\nF: \r\nG: a  b\tc\r\nH::\r\n')).toBe(
      'A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: \r\nF: \r\nG: a  b\tc\r\nH: :',
    );
  });

  test('say whether they are ASCII', () => {
    const nonAscii = (lines: string): boolean => read(`${OK}${lines}Content-Length: 0\r\n\r\n`).nonAscii;
    expect(nonAscii('A: ~\r\n')).toBe(false);
    expect(nonAscii('A: \x80\r\n')).toBe(true);
    expect(nonAscii('A: b\xffc\r\nB: 1\r\n')).toBe(true);
    expect(nonAscii('Date: \xe9\r\nA: 1\r\n')).toBe(false);
    expect(nonAscii('X: \xe9\r\nConnection: x\r\nA: 1\r\n')).toBe(false);
    expect(nonAscii('X:\xe9\r\n')).toBe(true);
    expect(fieldsOf('A: \xa0\xe9\xa0\r\n')).toBe('A: \xa0\xe9\xa0');
    expect(fieldsOf('A:\xa0\xe9\xa0\r\n')).toBe('A: \xa0\xe9\xa0');
  });

  test('none at all', () => {
    expect(read(`${OK}\r\n`)).toMatchObject({ fault: undefined, fields: '', bodyKind: 'close', complete: true });
  });
});

describe('Keep-Alive', () => {
  test.each([
    ['timeout=5', 5_000],
    ['timeout=5, max=100', 5_000],
    ['max=100, Timeout=65', 65_000],
    ['TIMEOUT=1 ,max=1', 1_000],
    ['timeout=0', 0],
    ['timeout=12345', 12_345_000],
    ['timeout=123456', 123_456_000],
    ['timeout=99999999999999999999', 2 ** 31 - 1],
    ['timeout=', -1],
    ['timeout', -1],
    ['timeout=5x', -1],
    ['timeout="5"', -1],
    ['xtimeout=5', -1],
    ['max=5', -1],
    ['', -1],
  ])('%j is %d ms', (value, ms) => {
    const answer = read(`${OK}Keep-Alive: ${value}\r\nContent-Length: 0\r\n\r\n`);
    expect(answer.keepAliveTimeoutMs).toBe(ms);
  });
});

describe('the body', () => {
  const head = (...lines: string[]): string => `${lines.join('\r\n')}\r\n\r\n`;

  test('by length', () => {
    const answer = read(`${head('HTTP/1.1 200 OK', 'content-LENGTH: \t02 ')}hi`);
    expect(answer).toMatchObject({ bodyKind: 'length', contentLength: 2, body: 'hi', reusable: true });
    expect(read(head('HTTP/1.1 200 OK', 'Content-Length: 0'))).toMatchObject({
      events: ['head', 'complete'],
      bodyKind: 'length',
      contentLength: 0,
      reusable: true,
    });
  });

  test('by chunks, with extensions and trailers dropped', () => {
    const start = head('HTTP/1.1 200 OK', 'transfer-encoding: \t CHUNKED ');
    const chunks = [
      '5\r\nhello\r\n',
      '1;a="b;c"; d\xe9\r\n,\r\n',
      '0000000A;\r\n 0\r\n\r\nword\r\n',
      'd;\t\r\n0123456789abc\r\n',
    ];
    const last = '0;last\r\nX: y\r\nContent-Length: 9\r\nEmpty:\r\n\r\n';
    expect(read(`${start}${chunks.join('')}${last}`)).toMatchObject({
      bodyKind: 'chunked',
      contentLength: -1,
      body: 'hello, 0\r\n\r\nword0123456789abc',
      complete: true,
      reusable: true,
    });
    expect(read(`${start}0\r\n\r\n`)).toMatchObject({ events: ['head', 'complete'], body: '', reusable: true });
  });

  test('up to the end of the connection', () => {
    const answer = readAnswer([head('HTTP/1.1 200 OK', 'Connection: keep-alive'), 'a', 'b\0\r\n\r\n']);
    expect(answer).toMatchObject({
      events: ['head', 'body', 'complete'],
      bodyKind: 'close',
      body: 'ab\0\r\n\r\n',
      contentLength: -1,
      reusable: false,
    });
  });

  test.each([
    ['HEAD', '200 OK'],
    ['GET', '204 No Content'],
    ['GET', '304 Not Modified'],
    ['HEAD', '304 Not Modified'],
  ])('none: %s %s', (method, status) => {
    expect(read(head(`HTTP/1.1 ${status}`, 'Content-Length: 5'), method)).toMatchObject({
      events: ['head', 'complete'],
      bodyKind: 'none',
      contentLength: 5,
      reusable: true,
    });
    expect(read(head(`HTTP/1.1 ${status}`, 'Transfer-Encoding: chunked'), method)).toMatchObject({
      bodyKind: 'none',
      contentLength: -1,
      complete: true,
      reusable: true,
    });
    expect(read(head(`HTTP/1.1 ${status}`), method)).toMatchObject({
      bodyKind: 'none',
      complete: true,
      reusable: true,
    });
  });

  test('informational heads leave no trace in the answer', () => {
    const informational = head(
      'HTTP/1.1 103 Early Hints',
      'Link: \xe9',
      'Connection: close, a',
      'Keep-Alive: timeout=9',
    );
    const odd = head('HTTP/1.1 100', 'Content-Length: 50');
    const answer = `${head('HTTP/1.1 200 OK', 'A: 1', 'Content-Length: 2')}hi`;
    expect({ ...read(`${informational}${odd}${answer}`), informational: [] }).toEqual(read(answer));
  });
});

describe('reuse', () => {
  test.each([
    ['HTTP/1.1', '', true],
    ['HTTP/1.1', 'Connection: close\r\n', false],
    ['HTTP/1.1', 'Connection: CLOSE\r\n', false],
    ['HTTP/1.1', 'Connection: x, Close\r\n', false],
    ['HTTP/1.1', 'Connection: keep-alive, close\r\n', false],
    ['HTTP/1.1', 'Connection: keep-alive\r\nConnection: close\r\n', false],
    ['HTTP/1.1', 'Connection: closed\r\n', true],
    ['HTTP/1.1', 'Connection:\r\n', true],
    ['HTTP/1.0', '', false],
    ['HTTP/1.0', 'Connection: keep-alive\r\n', true],
    ['HTTP/1.0', 'Connection: Keep-Alive, x\r\n', true],
    ['HTTP/1.0', 'Connection: close, keep-alive\r\n', false],
    ['HTTP/1.0', 'Keep-Alive: timeout=5\r\n', false],
  ])('%s %j: %s', (version, lines, reusable) => {
    const answer = read(`${version} 200 OK\r\n${lines}Content-Length: 2\r\n\r\nhi`);
    expect(answer).toMatchObject({ fault: undefined, complete: true, reusable });
  });

  const answers: Record<string, string> = {
    length: `${OK}Content-Length: 2\r\n\r\nhi`,
    'no length': `${OK}Content-Length: 0\r\n\r\n`,
    chunked: `${OK}Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n`,
    none: 'HTTP/1.1 204 No Content\r\n\r\n',
  };
  test.each(Object.entries(answers))('bytes after the message end it, and are nobody’s: %s', (_name, text) => {
    for (const extra of ['\r', '\n', 'x', text]) {
      const recording = new RecordingParser();
      recording.parser.begin('GET');
      expect(recording.feed(text + extra)).toBeUndefined();
      expect(recording.answer()).toMatchObject({ complete: true, reusable: false });
      expect(recording.events.filter((event) => event === 'head')).toHaveLength(1);

      const later = new RecordingParser();
      later.parser.begin('GET');
      expect(later.feed(text)).toBeUndefined();
      expect(later.answer()).toMatchObject({ complete: true, reusable: true });
      expect(later.feed(extra)).toBe('unsolicited');
      expect(later.answer().events).toEqual(readAnswer([text]).events);
    }
  });
});
