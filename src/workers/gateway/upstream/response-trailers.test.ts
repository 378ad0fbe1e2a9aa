import { describe, expect, test } from 'vitest';
import { cut, readAnswer, RecordingParser } from './read-answer.fixture.ts';
import type { Answer } from './read-answer.fixture.ts';

const OK = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n`;

/** The same answer however the reads are cut. */
function readEveryWay(text: string): Answer {
  const whole = readAnswer([text]);
  for (let i = 1; i < text.length; i++) expect(readAnswer(cut(text, [i])), `cut at ${i}`).toEqual(whole);
  expect(readAnswer(text.split(''))).toEqual(whole);
  return whole;
}

describe('trailers of a chunked answer', () => {
  test('are kept in order, with their case, blanks around values trimmed', () => {
    const section = 'X-Sum: 1\r\nServer-Timing:a;dur=1 \r\nx-sum:\t2\r\nX-Empty:\r\nX-Caf\xe9'.replace(
      'X-Caf\xe9',
      'X-B: caf\xe9',
    );
    expect(readEveryWay(`${CHUNKED}${section}\r\n\r\n`)).toMatchObject({
      body: 'hi',
      trailers: 'X-Sum: 1\r\nServer-Timing: a;dur=1\r\nx-sum: 2\r\nX-Empty: \r\nX-B: caf\xe9\r\n',
      reusable: true,
    });
  });

  test('an empty section brings none', () => {
    expect(readEveryWay(`${CHUNKED}\r\n`).trailers).toBe('');
  });

  test('what only a header may say is dropped, in any case', () => {
    const dropped = [
      'Content-Length: 5',
      'TRANSFER-ENCODING: chunked',
      'Connection: close',
      'Set-Cookie: a=b',
      'Authorization: x',
      'X-Forwarded-For: 1.2.3.4',
      'X-Request-Id: x',
      'RateLimit-Remaining: 9',
      'Via: x',
      'Trailer: x',
    ];
    for (const line of dropped)
      expect(readEveryWay(`${CHUNKED}${line}\r\nA: b\r\n\r\n`).trailers, line).toBe('A: b\r\n');
  });

  test('what Connection listed is dropped', () => {
    const head = `${OK}Connection: keep-alive, X-Hop\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n`;
    expect(readEveryWay(`${head}X-Hop: 1\r\nX-End: 2\r\n\r\n`).trailers).toBe('X-End: 2\r\n');
  });

  test('belong to their answer alone', () => {
    const recording = new RecordingParser();
    recording.parser.begin('GET');
    recording.feed(`${CHUNKED}A: b\r\n\r\n`);
    expect(recording.parser.trailers).toBe('A: b\r\n');
    recording.parser.begin('GET');
    recording.feed(`${CHUNKED}\r\n`);
    expect(recording.parser.trailers).toBe('');
  });
});

describe('informational heads', () => {
  const answer = `${OK}Content-Length: 2\r\n\r\nhi`;

  test('102 and 103 are told with their fields, hop-by-hop ones left out; 100 and others are read past', () => {
    const text = [
      'HTTP/1.1 100 Continue\r\n\r\n',
      'HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nConnection: x\r\nLink: </b>\r\n\r\n',
      'HTTP/1.1 102\r\n\r\n',
      'HTTP/1.1 199 Odd\r\nX: y\r\n\r\n',
      answer,
    ].join('');
    expect(readEveryWay(text)).toMatchObject({
      informational: ['103 Early Hints|Link: </a>; rel=preload\r\nLink: </b>', '102 Processing|'],
      statusLine: '200 OK',
      fields: '',
      body: 'hi',
    });
  });

  test('abort() inside the callback ends it all', () => {
    const recording = new RecordingParser();
    recording.during = () => recording.parser.abort();
    recording.parser.begin('GET');
    recording.feed(`HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n${answer}`);
    expect([recording.informational.length, recording.events, recording.fault]).toEqual([1, [], undefined]);
  });
});
