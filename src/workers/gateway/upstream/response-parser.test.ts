import { describe, expect, test } from 'vitest';
import { cut, readAnswer } from './read-answer.fixture.ts';
import type { Answer } from './read-answer.fixture.ts';

const OK = 'HTTP/1.1 200 OK\r\n';
const LEN = 'Content-Length: 2\r\n\r\nhi';
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;
const big = (bytes: number): string => 'x'.repeat(bytes);

/** The answer in one read, cut in two at every index, and byte by byte: always the same answer, or the same fault. */
function readEveryWay(text: string, method = 'GET'): Answer {
  const whole = readAnswer([text], method);
  // What was told before a fault depends on how much came together.
  const comparable = (answer: Answer): Answer | string => answer.fault ?? answer;
  for (let i = 1; i < text.length; i++) {
    expect(comparable(readAnswer(cut(text, [i]), method)), `cut at ${i}`).toEqual(comparable(whole));
  }
  expect(comparable(readAnswer(text.split(''), method))).toEqual(comparable(whole));
  expect(whole.complete).toBe(whole.fault === undefined);
  return whole;
}

describe('answers that are refused', () => {
  const bad: Record<string, string> = {
    'both length and chunked': `${OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    'both chunked and length': `${OK}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`,
    'differing lengths': `${OK}Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi`,
    'a length repeated after zero': `${OK}Content-Length: 0\r\nContent-Length: 2\r\n\r\nhi`,
    'a list of lengths that differ': `${OK}Content-Length: 2, 3\r\n\r\nhi`,
    'an empty length': `${OK}Content-Length:\r\n\r\n`,
    'a blank length': `${OK}Content-Length:  \r\n\r\n`,
    'a signed length': `${OK}Content-Length: +2\r\n\r\nhi`,
    'a negative length': `${OK}Content-Length: -2\r\n\r\nhi`,
    'a hex length': `${OK}Content-Length: 0x2\r\n\r\nhi`,
    'a fraction as length': `${OK}Content-Length: 2.0\r\n\r\nhi`,
    'an exponent as length': `${OK}Content-Length: 1e0\r\n\r\nhi`,
    'a length with a space inside': `${OK}Content-Length: 1 2\r\n\r\nhi`,
    'a length over 2^53': `${OK}Content-Length: 9007199254740992\r\n\r\nhi`,
    'a length of many digits': `${OK}Content-Length: ${'9'.repeat(400)}\r\n\r\nhi`,
    'a transfer coding other than chunked': `${OK}Transfer-Encoding: gzip\r\n\r\nhi`,
    identity: `${OK}Transfer-Encoding: identity\r\n\r\nhi`,
    'a list of transfer codings': `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    'chunked twice in a list': `${OK}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`,
    'something before chunked': `${OK}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
    'something after chunked': `${OK}Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n`,
    'chunked in quotes': `${OK}Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n`,
    'chunked with a vertical tab': `${OK}Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n`,
    'chunked with a no-break space': `${OK}Transfer-Encoding: chunked\xa0\r\n\r\n0\r\n\r\n`,
    'chunked repeated': `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    'an empty transfer coding': `${OK}Transfer-Encoding:\r\n\r\n0\r\n\r\n`,
    'chunked in HTTP/1.0': 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'a folded line (space)': `${OK}X: a\r\n b\r\n${LEN}`,
    'a folded line (tab)': `${OK}X: a\r\n\tb\r\n${LEN}`,
    'a folded first line': `${OK} X: a\r\n${LEN}`,
    'a space before the colon': `${OK}X : a\r\n${LEN}`,
    'a tab before the colon': `${OK}X\t: a\r\n${LEN}`,
    'a space before the colon of a length': `${OK}Content-Length : 2\r\n\r\nhi`,
    'a space in a name': `${OK}X Y: a\r\n${LEN}`,
    'a no-break space in a name': `${OK}X\xa0: a\r\n${LEN}`,
    'a name with a parenthesis': `${OK}X(: a\r\n${LEN}`,
    'a name of obs-text': `${OK}\xe9: a\r\n${LEN}`,
    'an empty name': `${OK}: a\r\n${LEN}`,
    'a line without a colon': `${OK}X\r\n${LEN}`,
    'NUL in a name': `${OK}X\0: a\r\n${LEN}`,
    'NUL in a value': `${OK}X: a\0b\r\n${LEN}`,
    'NUL in a dropped value': `${OK}Date: a\0b\r\n${LEN}`,
    'DEL in a value': `${OK}X: a\x7f\r\n${LEN}`,
    'a vertical tab in a value': `${OK}X: a\vb\r\n${LEN}`,
    'ESC in a value': `${OK}X: \x1b[2J\r\n${LEN}`,
    'a bare CR in a value': `${OK}X: a\rb\r\n${LEN}`,
    'a bare CR before the line end': `${OK}X: a\r\r\n${LEN}`,
    'a bare CR in a name': `${OK}X\rY: a\r\n${LEN}`,
    'a bare LF in a value': `${OK}X: a\nY: b\r\n${LEN}`,
    'a bare LF after a field': `${OK}X: a\n${LEN}`,
    'a bare LF after the status line': `HTTP/1.1 200 OK\n${LEN}`,
    'a bare CR after the status line': `HTTP/1.1 200 OK\r${LEN}`,
    'a bare LF before the empty line': `${OK}Content-Length: 2\n\r\nhi`,
    'a bare LF as the empty line': `${OK}Content-Length: 2\r\n\nhi`,
    'a bare CR as the empty line': `${OK}Content-Length: 2\r\n\rhi`,
    'nothing but LF': 'HTTP/1.1 200 OK\nContent-Length: 2\n\nhi',
    'an empty line before the status line': `\r\n${OK}${LEN}`,
    'a space before the status line': ` ${OK}${LEN}`,
    'HTTP/0.9': `HTTP/0.9 200 OK\r\n${LEN}`,
    'HTTP/1.2': `HTTP/1.2 200 OK\r\n${LEN}`,
    'HTTP/2.0': `HTTP/2.0 200 OK\r\n${LEN}`,
    'HTTP/1.10': `HTTP/1.10 200 OK\r\n${LEN}`,
    'HTTP/1': `HTTP/1 200 OK\r\n${LEN}`,
    'http in lower case': `http/1.1 200 OK\r\n${LEN}`,
    'another protocol': 'SSH-2.0-OpenSSH_9.2\r\n',
    ICY: `ICY 200 OK\r\n${LEN}`,
    'a TLS alert': '\x15\x03\x03\x00\x02\x02\x28',
    'two spaces before the code': `HTTP/1.1  200 OK\r\n${LEN}`,
    'two spaces after the code': `HTTP/1.1 200  OK\r\n${LEN}`,
    'a tab before the code': `HTTP/1.1\t200 OK\r\n${LEN}`,
    'a tab after the code': `HTTP/1.1 200\tOK\r\n${LEN}`,
    'no code': `HTTP/1.1 OK\r\n${LEN}`,
    'a code of two digits': `HTTP/1.1 20 OK\r\n${LEN}`,
    'a code of four digits': `HTTP/1.1 2000 OK\r\n${LEN}`,
    'a code with a letter': `HTTP/1.1 20x OK\r\n${LEN}`,
    'a signed code': `HTTP/1.1 +20 OK\r\n${LEN}`,
    'code 099': `HTTP/1.1 099 OK\r\n${LEN}`,
    'code 000': `HTTP/1.1 000 OK\r\n${LEN}`,
    'NUL in the reason': `HTTP/1.1 200 O\0K\r\n${LEN}`,
    'a bare CR in the reason': `HTTP/1.1 200 O\rK\r\n${LEN}`,
    '101 that nobody asked for': 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n',
    '101 after 100': 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 Switching Protocols\r\n\r\n',
    '17 informational heads': `${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(17)}${OK}${LEN}`,
    'a broken informational head': `HTTP/1.1 103 Early Hints\r\nLink : x\r\n\r\n${OK}${LEN}`,
    'no chunk size': `${CHUNKED}\r\nhi\r\n0\r\n\r\n`,
    'a chunk size with a sign': `${CHUNKED}+2\r\nhi\r\n0\r\n\r\n`,
    'a chunk size with 0x': `${CHUNKED}0x2\r\nhi\r\n0\r\n\r\n`,
    'a chunk size with a space before': `${CHUNKED} 2\r\nhi\r\n0\r\n\r\n`,
    'a chunk size in two parts': `${CHUNKED}0 2\r\nhi\r\n0\r\n\r\n`,
    'a chunk size with a space after, and a bare LF': `${CHUNKED}2 \nhi\r\n0\r\n\r\n`,
    'a chunk size with an underscore': `${CHUNKED}1_0\r\nhi\r\n0\r\n\r\n`,
    'a chunk size that is no hex': `${CHUNKED}g\r\nhi\r\n0\r\n\r\n`,
    'a negative chunk size': `${CHUNKED}-2\r\nhi\r\n0\r\n\r\n`,
    'a chunk size over 2^53': `${CHUNKED}20000000000000\r\nhi\r\n0\r\n\r\n`,
    'a chunk size over 2^64': `${CHUNKED}10000000000000002\r\nhi\r\n0\r\n\r\n`,
    'a chunk size of endless zeros': `${CHUNKED}${'0'.repeat(17)}\r\n\r\n`,
    'a bare LF after a chunk size': `${CHUNKED}2\nhi\r\n0\r\n\r\n`,
    'a bare CR after a chunk size': `${CHUNKED}2\rhi\r\n0\r\n\r\n`,
    'two CRs after a chunk size': `${CHUNKED}2\r\r\nhi\r\n0\r\n\r\n`,
    'CR and another byte after a chunk size': `${CHUNKED}2\rxhi\r\n0\r\n\r\n`,
    'another byte and LF after a chunk size': `${CHUNKED}2x\nhi\r\n0\r\n\r\n`,
    'CR and another byte after chunk data': `${CHUNKED}2\r\nhi\rx0\r\n\r\n`,
    'another byte and LF after chunk data': `${CHUNKED}2\r\nhix\n0\r\n\r\n`,
    'CR and another byte after the last chunk': `${CHUNKED}0\rx\r\n`,
    'CR and another byte after a trailer': `${CHUNKED}0\r\nX: a\rx\r\n`,
    'CR and another byte after a field': `${OK}X: a\rx${LEN}`,
    'another byte and LF after a field': `${OK}X: ax\n${LEN}`,
    'CR and another byte after the status line': `HTTP/1.1 200 OK\rx${LEN}`,
    'CR and another byte as the empty line': `${OK}Content-Length: 2\r\n\rxhi`,
    'NUL in a chunk extension': `${CHUNKED}2;a\0\r\nhi\r\n0\r\n\r\n`,
    'a bare LF in a chunk extension': `${CHUNKED}2;a\nhi\r\n0\r\n\r\n`,
    'a bare CR in a chunk extension': `${CHUNKED}2;a\rb\r\nhi\r\n0\r\n\r\n`,
    'chunk data too long': `${CHUNKED}2\r\nhix\r\n0\r\n\r\n`,
    'chunk data too short': `${CHUNKED}2\r\nh\r\n0\r\n\r\n`,
    'a bare LF after chunk data': `${CHUNKED}2\r\nhi\n0\r\n\r\n`,
    'a bare CR after chunk data': `${CHUNKED}2\r\nhi\r0\r\n\r\n`,
    'nothing after chunk data': `${CHUNKED}2\r\nhi0\r\n\r\n`,
    'a bare LF after the last chunk': `${CHUNKED}0\n\r\n`,
    'a bare LF as the last line': `${CHUNKED}0\r\n\n`,
    'a bare CR as the last line': `${CHUNKED}0\r\n\rx`,
    'a trailer without a colon': `${CHUNKED}0\r\nX\r\n\r\n`,
    'a trailer without a name': `${CHUNKED}0\r\n: a\r\n\r\n`,
    'a trailer with a space before the colon': `${CHUNKED}0\r\nX : a\r\n\r\n`,
    'a folded trailer': `${CHUNKED}0\r\nX: a\r\n b\r\n\r\n`,
    'a trailer with NUL': `${CHUNKED}0\r\nX: a\0\r\n\r\n`,
    'a trailer with a bare LF': `${CHUNKED}0\r\nX: a\n\r\n`,
    'a trailer with a bare CR': `${CHUNKED}0\r\nX: a\rb\r\n\r\n`,
  };
  test.each(Object.entries(bad))('%s', (_name, text) => {
    expect(readEveryWay(text).fault).toBe('bad_response');
  });

  test.each(['GET', 'HEAD'])('framing is checked even where there is no body: %s', (method) => {
    const both = 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n';
    expect(readEveryWay(`HTTP/1.1 304 Not Modified\r\n${both}`, method).fault).toBe('bad_response');
    expect(readEveryWay('HTTP/1.1 204 No Content\r\nContent-Length: x\r\n\r\n', method).fault).toBe('bad_response');
  });

  test('a chunked body that breaks in the read of its head is refused before onHead', () => {
    expect(readAnswer([`${CHUNKED}2\r\nhi\r\nzz`]).events).toEqual([]);
    expect(readAnswer([`${CHUNKED}2\r\nhi\r\n`, 'zz'])).toMatchObject({
      events: ['head', 'body'],
      body: 'hi',
      fault: 'bad_response',
      complete: false,
    });
  });
});

describe('chunk lines as some servers write them', () => {
  test.each(['2 \r\n', '2\t \r\n', '2 ;a\r\n', '2;a=b\r\n', '2 ; a = "b;c" \r\n'])('%j is taken', (line) => {
    expect(readEveryWay(`${CHUNKED}${line}hi\r\n0 \r\n\r\n`)).toMatchObject({ body: 'hi', reusable: true });
  });

  test('white space behind a size counts as an extension does', () => {
    expect(readAnswer([`${CHUNKED}2${' '.repeat(17_000)}\r\nhi\r\n0\r\n\r\n`]).fault).toBe('bad_response');
  });
});

describe('answers that are cut short', () => {
  const full: Record<string, string> = {
    length: `HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${OK}X: a\r\n${LEN}`,
    chunked: `${CHUNKED}5;a=b\r\nhello\r\n1\r\n!\r\n0\r\nX: y\r\n\r\n`,
  };
  test.each(Object.entries(full))('%s: truncated wherever it ends', (_name, text) => {
    expect(readEveryWay(text).fault).toBeUndefined();
    for (let i = 1; i < text.length; i++) {
      expect(readAnswer([text.slice(0, i)]), `end at ${i}`).toMatchObject({ fault: 'truncated', complete: false });
      expect(readAnswer(text.slice(0, i).split('')).fault).toBe('truncated');
    }
  });

  test('nothing at all is no_response, which may be retried', () => {
    expect(readAnswer([]).fault).toBe('no_response');
    expect(readAnswer(['H']).fault).toBe('truncated');
  });
});

describe('sizes', () => {
  const head = (bytes: number): string => {
    const start = `${OK}X: `;
    const end = `\r\nContent-Length: 2\r\n\r\n`;
    return `${start}${big(bytes - start.length - end.length)}${end}`;
  };
  const pieces = (text: string): string[] =>
    cut(
      text,
      Array.from({ length: 40 }, (_, i) => i * 1000 + 7),
    );

  test('a head of 16 KiB is taken, one more byte is too much', () => {
    for (const split of [(text: string) => [text], pieces, (text: string) => text.split('')]) {
      expect(readAnswer(split(`${head(16_384)}hi`))).toMatchObject({ fault: undefined, body: 'hi' });
      expect(readAnswer(split(`${head(16_385)}hi`))).toMatchObject({ fault: 'head_too_large', events: [] });
      expect(readAnswer(split(`${OK}X: ${big(100_000)}`)).fault).toBe('head_too_large');
    }
  });

  test('each informational head has its own 16 KiB', () => {
    const informational = head(16_384).replace('200 OK', '103 OK');
    const tooLarge = head(16_385).replace('200 OK', '103 OK');
    for (const split of [(text: string) => [text], pieces]) {
      expect(readAnswer(split(`${informational}${informational}${head(16_384)}hi`))).toMatchObject({ body: 'hi' });
      expect(readAnswer(split(`${informational}${tooLarge}${head(100)}hi`)).fault).toBe('head_too_large');
    }
  });

  test('16 informational heads are read past', () => {
    const text = `${'HTTP/1.1 102 Processing\r\n\r\n'.repeat(16)}${OK}${LEN}`;
    expect(readEveryWay(text)).toMatchObject({ body: 'hi', events: ['head', 'body', 'complete'], reusable: true });
  });

  test('chunk extensions and trailers are bounded over the whole message', () => {
    const chunk = `1;${big(1023)}\r\nx\r\n`; // the ";" is not counted
    const take = (body: string): string | undefined => readAnswer(pieces(`${CHUNKED}${body}`)).fault;
    expect(take(`${chunk.repeat(16)}0\r\n\r\n`)).toBeUndefined();
    expect(take(`${chunk.repeat(16)}0;${big(17)}\r\n\r\n`)).toBe('bad_response');
    expect(take(`${chunk.repeat(17)}0\r\n\r\n`)).toBe('bad_response');
    expect(take(`0\r\nX: ${big(16_000)}\r\n\r\n`)).toBeUndefined();
    expect(take(`0\r\n${`X: ${big(1000)}\r\n`.repeat(17)}\r\n`)).toBe('bad_response');
  });

  test('large bodies pass, in any pieces', () => {
    const body = Array.from({ length: 60_000 }, (_, i) => String.fromCharCode(i % 256)).join('');
    const chunks = (size: number): string =>
      cut(
        body,
        Array.from({ length: 60_000 / size }, (_, i) => i * size),
      )
        .map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`)
        .join('');
    for (const text of [
      `${OK}Content-Length: 60000\r\n\r\n${body}`,
      `${CHUNKED}${chunks(60_000)}0\r\n\r\n`,
      `${CHUNKED}${chunks(100)}0\r\n\r\n`,
    ]) {
      for (const split of [[text], pieces(text), cut(text, [100, 30_000])]) {
        expect(readAnswer(split)).toMatchObject({ fault: undefined, complete: true, reusable: true });
        expect(readAnswer(split).body === body).toBe(true);
      }
    }
  });

  test('a declared length up to 2^53 - 1', () => {
    const text = `${OK}Content-Length: 9007199254740991\r\n\r\n`;
    expect(readAnswer([text], 'HEAD')).toMatchObject({ contentLength: Number.MAX_SAFE_INTEGER, complete: true });
    expect(readAnswer([text])).toMatchObject({ events: ['head'], fault: 'truncated' });
  });
});
