import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { KnownHead } from './known-head.ts';
import { RecordingParser } from './read-answer.fixture.ts';
import type { Answer } from './read-answer.fixture.ts';

const DATE = 'Thu, 26 Nov 2026 16:17:17 GMT';
const BODY = 'Content-Length: 2\r\n\r\nhi';

/** One answer after the other, each on a connection of its own, with what is known of the server's heads or without. */
const readAll = (texts: readonly string[], known?: KnownHead): Answer[] =>
  texts.map((text) => {
    const recording = new RecordingParser(known);
    recording.parser.begin('GET');
    recording.feed(text);
    if (recording.parser.active) recording.fault = recording.parser.finish();
    return recording.answer();
  });

const line = fc.constantFrom(
  `Date: ${DATE}\r\n`,
  `date: ${DATE}\r\n`,
  'Date: Fri, 27 Nov 2026 16:17:18 GMT\r\n',
  'Date: Fri, 27 Nov 2026 16:17:18 GM\0\r\n',
  'Date: a date of other lengths\r\n',
  'X-*date: Thu, 26 Nov 2026 16:17:17 GMT\r\n',
  'X-*date: Thu, 26 Nov 2026 16:17:18 GMT\r\n',
  'X: a\r\n',
  'X: b\r\n',
  'Connection: close\r\n',
  'Connection: x\r\n',
  'Keep-Alive: timeout=5\r\n',
  'Caf: \xe9\r\n',
  `Long: ${'l'.repeat(500)}\r\n`,
);
const head = fc
  .tuple(fc.constantFrom('200 OK', '404', '200 Odd', '103 Hints'), fc.array(line, { maxLength: 4 }))
  .map(([status, lines]) => `HTTP/1.1 ${status}\r\n${lines.join('')}`);
const answer = fc
  .tuple(head, fc.constantFrom(BODY, 'Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n', '\r\nhi'))
  .map(([start, rest]) => start + rest);
/** Few different ones, so that most have been there before; some with one byte changed. */
const answers = fc.array(answer, { minLength: 1, maxLength: 3 }).chain((some) =>
  fc.array(
    fc
      .tuple(fc.constantFrom(...some), fc.option(fc.tuple(fc.nat(200), fc.constantFrom('\r', '\0', 'x', ':', '9'))))
      .map(([text, change]) =>
        change === null ? text : text.slice(0, change[0]) + change[1] + text.slice(change[0] + 1),
      ),
    { minLength: 2, maxLength: 30 },
  ),
);

describe('a head that is known', () => {
  test.prop([answers], { numRuns: 1000 })(
    'says what it says when it is parsed',
    (texts) => {
      expect(readAll(texts, new KnownHead())).toEqual(readAll(texts));
    },
    180_000,
  );

  test('has a Date of the usual length, or none: what looks as long with the line behind it is not all Date', () => {
    const texts = ['9', 'X', '9'].map(
      (name) => `HTTP/1.1 200 OK\r\nDate: a date of other lengths\r\n${name}: a\r\n${BODY}`,
    );
    expect(readAll(texts, new KnownHead())).toEqual(readAll(texts));
  });

  test('is known whatever its Date says', () => {
    const known = new KnownHead();
    const text = `HTTP/1.1 200 OK\r\nA: b\r\nDate: ${DATE}\r\nC: d\r\n\r\n`;
    readAll([text], known);
    const later = Buffer.from(text.replace('17:17', '18:42'), 'latin1');
    expect(known.find(later, 0, later.length)?.fields).toBe('A: b\r\nC: d');
    expect(known.find(later, 0, later.length - 1)).toBeUndefined();
    const other = Buffer.from(text.replace('b', 'B'), 'latin1');
    expect(known.find(other, 0, other.length)).toBeUndefined();
  });
});
