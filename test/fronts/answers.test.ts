import { afterAll, beforeAll, expect } from 'vitest';
import { answerText, ask, messageAt, requestText, statusOf, valueOf, valuesOf } from '../support/http.ts';
import { describeFronts } from '../support/fronts.ts';
import { startPair } from '../support/pair.ts';
import type { Pair } from '../support/pair.ts';
import { rawClient } from '../support/raw.ts';
import { quietFor } from '../support/wait.ts';
import { rulesOn } from './differences.ts';
import { freshPath, hold, oneChunk } from './setup.ts';

const STREAM_HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n';
const CHUNKED_HEAD = 'HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n';

/** What an upstream may not say behind a body: the header stage drops, sets or reads it. */
const SMUGGLED = [
  'Content-Length: 3',
  'Transfer-Encoding: chunked',
  'Set-Cookie: a=b',
  'Connection: close',
  'X-Request-Id: theirs',
  'X-RateLimit-Remaining: 5',
  'RateLimit: "a";r=5',
  'Location: /elsewhere',
];

describeFronts('answers', (front) => {
  const rule = rulesOn(front);
  let pair: Pair;
  beforeAll(async () => {
    pair = await startPair({ front, env: { RESPONSE_HEADERS_TIMEOUT_SECONDS: '1' } });
  });
  afterAll(() => pair[Symbol.asyncDispose]());

  for (const [name, head, body] of [
    ['an event stream', STREAM_HEAD, oneChunk('data: 1\n\n')],
    ['an answer with a length', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', 'hello'],
    ['an answer up to the close', 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n', 'hello'],
  ] as const) {
    rule('header-first', `${name}: the header goes out before any byte of the body`, async () => {
      const path = freshPath();
      const held = hold(pair, path);
      using client = await rawClient(pair.port);
      client.send(requestText('GET', `/proxy${path}`));
      await held.answer(head);
      expect(await client.until('\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      const upstream = await held.answer(body);
      if (head.includes('close')) upstream.socket.end();
      await client.until(body.includes('data') ? 'data: 1\n\n' : 'hello');
    });
  }

  rule('header-first', 'a stream that is quiet for longer than a header may take lives on', async () => {
    const path = freshPath();
    const held = hold(pair, path);
    using client = await rawClient(pair.port);
    client.send(requestText('GET', `/proxy${path}`));
    await held.answer(STREAM_HEAD);
    await client.until('\r\n\r\n');
    await quietFor(2_000, 'twice the time that the header of an answer may take');
    await held.answer('7\r\ndata: 1\r\n');
    expect(await client.until('data: 1')).toMatch(/^HTTP\/1\.1 200 /);
  });

  for (const [name, value] of [
    ['UTF-8', 'caf\xc3\xa9'],
    ['ISO-8859-1', 'caf\xe9 au lait'],
    ['bytes that are neither', '\x80\xff\xa0x'],
  ] as const) {
    rule('answer-bytes', `a value of ${name} arrives as it is`, async () => {
      const path = freshPath();
      pair.answers.set(path, () => answerText('', [`X-Name: ${value}`]));
      const answer = await ask(pair.port, requestText('GET', `/proxy${path}`));
      expect([statusOf(answer), valueOf(answer, 'x-name')]).toEqual([200, value]);
    });
  }

  rule('answer-trailers', 'trailers go on to a client that takes them, but for what may not be there', async () => {
    const path = freshPath();
    pair.answers.set(path, () => CHUNKED_HEAD + oneChunk('hello', [...SMUGGLED, 'X-Sum: caf\xe9', 'Server-Timing: a']));
    const fields = ['TE: trailers', 'Connection: TE'];
    const answer = await ask(pair.port, requestText('GET', `/proxy${path}`, fields));
    expect(answer.body).toBe('hello');
    expect(answer.trailers).toEqual([
      ['X-Sum', 'caf\xe9'],
      ['Server-Timing', 'a'],
    ]);
  });

  rule('no-answer-trailers', 'trailers are dropped for a client that does not say so', async () => {
    const path = freshPath();
    pair.answers.set(path, () => CHUNKED_HEAD + oneChunk('hello', ['X-Sum: 1']));
    using client = await rawClient(pair.port);
    client.send(requestText('GET', `/proxy${path}`));
    const answer = await messageAt(client, 0);
    expect([answer.body, answer.trailers, valuesOf(answer, 'x-sum')]).toEqual(['hello', [], []]);
    client.send(requestText('GET', '/proxy/next'));
    expect(statusOf(await messageAt(client, 1))).toBe(200);
  });

  for (const status of [204, 304]) {
    rule('empty-answers', `${status} has no body, and the connection goes on`, async () => {
      const path = freshPath();
      pair.answers.set(path, () => `HTTP/1.1 ${status} X\r\nETag: "a"\r\n\r\n`);
      using client = await rawClient(pair.port);
      client.send(requestText('GET', `/proxy${path}`));
      expect(statusOf(await messageAt(client, 0))).toBe(status);
      client.send(requestText('GET', '/proxy/next'));
      expect(statusOf(await messageAt(client, 1))).toBe(200);
    });
  }
});
