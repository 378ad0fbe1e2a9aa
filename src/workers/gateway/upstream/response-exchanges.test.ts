import { describe, expect, test } from 'vitest';
import { RecordingParser } from './read-answer.fixture.ts';

const OK = 'HTTP/1.1 200 OK\r\n';
const SHORT = `${OK}Content-Length: 2\r\n\r\nhi`;

function begun(method = 'GET'): RecordingParser {
  const recording = new RecordingParser();
  recording.parser.begin(method);
  return recording;
}

describe('one exchange after the other', () => {
  const odd = [
    [
      'GET',
      `HTTP/1.1 103 A\r\n\r\n${OK}X: \xe9\r\nConnection: x\r\nKeep-Alive: timeout=5\r\nContent-Length: 0\r\n\r\n`,
    ],
    [
      'GET',
      `${OK}Transfer-Encoding: chunked\r\n\r\n5;${'e'.repeat(9_000)}\r\nhello\r\n0\r\nT: ${'t'.repeat(9_000)}\r\n\r\n`,
    ],
    ['HEAD', `${OK}Content-Length: 7\r\n\r\n`],
    ['GET', 'HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['GET', `${'HTTP/1.1 103 A\r\n\r\n'.repeat(10)}${SHORT}`],
    ['GET', 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n!'],
  ] as const;

  test('each is read as if it were the first', () => {
    const recording = new RecordingParser();
    for (const [method, text] of [...odd, ...odd, ...odd.toReversed()]) {
      for (const pieces of [[text], text.split('')]) {
        const first = begun(method);
        recording.parser.begin(method);
        recording.events.length = 0;
        recording.informational.length = 0;
        recording.body = '';
        expect(recording.parser).toMatchObject({ active: true, started: false });
        for (const piece of pieces) {
          expect(recording.feed(piece)).toBeUndefined();
          first.feed(piece);
        }
        expect(recording.answer()).toEqual(first.answer());
        expect(recording.answer()).toMatchObject({ complete: true, reusable: true });
        expect(recording.parser.active).toBe(false);
      }
    }
  });

  test('the next may begin inside onComplete', () => {
    const recording = begun();
    let more = 3;
    recording.during = (event) => {
      if (event === 'complete' && more-- > 0) recording.parser.begin('GET');
    };
    for (let i = 0; i < 4; i++) expect(recording.feed(SHORT)).toBeUndefined();
    expect(recording.body).toBe('hihihihi');
    expect(recording.feed(SHORT)).toBe('unsolicited');
  });

  test('bytes before the first and between two are unsolicited, and final', () => {
    const fresh = new RecordingParser();
    expect(fresh.feed('H')).toBe('unsolicited');
    fresh.parser.begin('GET');
    expect(fresh.feed(SHORT)).toBe('unsolicited');
    expect(fresh.events).toEqual([]);
    expect(new RecordingParser().feed('')).toBeUndefined();
  });

  test('a second begin while one is open is refused: answers could be swapped', () => {
    const recording = begun();
    recording.feed(OK);
    recording.parser.begin('GET');
    expect(recording.feed('Content-Length: 0\r\n\r\n')).toBe('unsolicited');
    expect(recording.events).toEqual([]);
  });
});

describe('state', () => {
  test('started tells whether any byte has come, 1xx included', () => {
    const recording = begun();
    expect(recording.parser.started).toBe(false);
    recording.feed('');
    expect(recording.parser.started).toBe(false);
    recording.feed('H');
    expect(recording.parser).toMatchObject({ started: true, active: true });
    const informational = begun();
    informational.feed('HTTP/1.1 100 Continue\r\n\r\n');
    expect(informational.parser).toMatchObject({ started: true, active: true });
    expect(informational.parser.finish()).toBe('truncated');
  });

  test('the close of an idle connection is no fault', () => {
    expect(new RecordingParser().parser.finish()).toBeUndefined();
    const recording = begun();
    recording.feed(SHORT);
    expect(recording.parser.finish()).toBeUndefined();
    expect(recording.events).toEqual(['head', 'body', 'complete']);
  });

  test('the close of a close-delimited answer completes it once', () => {
    const recording = begun();
    recording.feed(`${OK}\r\nhi`);
    expect(recording.parser.active).toBe(true);
    expect(recording.parser.finish()).toBeUndefined();
    expect(recording.parser.finish()).toBeUndefined();
    expect(recording.events).toEqual(['head', 'body', 'complete']);
    expect(recording.parser).toMatchObject({ active: false, reusable: false });
  });

  test('a fault is final', () => {
    const recording = begun();
    expect(recording.feed('nonsense')).toBe('bad_response');
    expect(recording.parser.active).toBe(false);
    expect(recording.feed(SHORT)).toBe('bad_response');
    expect(recording.parser.finish()).toBe('bad_response');
    expect(recording.events).toEqual([]);
  });

  test('everything is known in onHead, also when the whole answer is there', () => {
    const recording = begun();
    const seen: unknown[] = [];
    recording.during = (event) => {
      const { active, reusable, status, bodyKind } = recording.parser;
      seen.push([event, active, reusable, status, bodyKind]);
    };
    recording.feed(SHORT);
    expect(seen).toEqual([
      ['head', true, true, 200, 'length'],
      ['body', true, true, 200, 'length'],
      ['complete', false, true, 200, 'length'],
    ]);
  });
});

describe('abort', () => {
  test.each([
    ['head', ['head']],
    ['body', ['head', 'body']],
  ])('inside on%s stops at once', (when, events) => {
    const chunked = `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n`;
    for (const text of [SHORT, `${SHORT}extra`, chunked, `${OK}\r\nhi`]) {
      const recording = begun();
      recording.during = (event) => {
        if (event === when) recording.parser.abort();
      };
      expect(recording.feed(text)).toBeUndefined();
      expect(recording.feed(text)).toBeUndefined();
      expect(recording.parser.finish()).toBeUndefined();
      expect(recording.events).toEqual(events);
      expect(recording.parser.active).toBe(false);
    }
  });

  test('between reads, also of a split head', () => {
    const recording = begun();
    recording.feed(SHORT.slice(0, 20));
    recording.parser.abort();
    expect(recording.feed(SHORT.slice(20))).toBeUndefined();
    expect(recording.events).toEqual([]);
  });
});
