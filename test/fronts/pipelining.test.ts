import { afterAll, beforeAll, expect } from 'vitest';
import { answerText, requestText, statusOf, valueOf } from '../support/http.ts';
import { describeFronts } from '../support/fronts.ts';
import { startPair } from '../support/pair.ts';
import type { Pair } from '../support/pair.ts';
import { rawClient } from '../support/raw.ts';
import { eventually } from '../support/wait.ts';
import { rulesOn } from './differences.ts';
import { answersOn, freshPath, hold, settled } from './setup.ts';

/** Exchanges of one connection that run or wait; then it is not read on. */
const MOST_EXCHANGES = 16;

const get = (path: string, fields: readonly string[] = []): string => requestText('GET', `/proxy${path}`, fields);
const post = (path: string, body: string): string =>
  requestText('POST', `/proxy${path}`, [`Content-Length: ${body.length}`]) + body;

describeFronts('pipelining', (front) => {
  const rule = rulesOn(front);
  let pair: Pair;
  beforeAll(async () => {
    pair = await startPair({ front });
  });
  afterAll(() => pair[Symbol.asyncDispose]());

  const freshPaths = (count: number): string[] =>
    Array.from({ length: count }, () => {
      const path = freshPath();
      pair.answers.set(path, () => answerText(path));
      return path;
    });
  const asked = (path: string): number => pair.requestsFor(path).length;

  rule('pipelining', 'twenty requests in one segment have their answers, in order', async () => {
    const paths = freshPaths(20);
    using client = await rawClient(pair.port);
    client.send(paths.map((path) => get(path)).join(''));
    expect((await answersOn(client, 20)).map(({ body }) => body)).toEqual(paths);
  });

  rule('pipelining', 'safe requests run at the same time, and their answers keep the order', async () => {
    const [slow, fast] = [hold(pair, '/slow'), hold(pair, '/fast')];
    using client = await rawClient(pair.port);
    client.send(get('/slow') + get('/fast'));
    await fast.answer();
    await settled(pair);
    expect([slow.asked(), client.received()]).toEqual([true, '']);
    await slow.answer();
    expect((await answersOn(client, 2)).map(({ body }) => body)).toEqual(['/slow', '/fast']);
  });

  rule('pipelining', 'an unsafe request waits for all before it, and holds what is behind it', async () => {
    const [before, unsafe] = [hold(pair, '/before'), hold(pair, '/unsafe')];
    pair.answers.set('/behind', () => answerText('/behind'));
    using client = await rawClient(pair.port);
    client.send(get('/before') + post('/unsafe', 'body') + get('/behind'));
    await eventually(before.asked, 'the first');
    await settled(pair);
    expect([unsafe.asked(), asked('/behind')]).toEqual([false, 0]);
    await before.answer();
    await eventually(unsafe.asked, 'the unsafe one');
    await settled(pair);
    expect(asked('/behind')).toBe(0);
    await unsafe.answer();
    expect((await answersOn(client, 3)).map(({ body }) => body)).toEqual(['/before', '/unsafe', '/behind']);
    expect(pair.requestsFor('/unsafe')[0]?.body).toBe('body');
  });

  rule('pipelining', 'sixteen exchanges run at most; the next begins when one has its answer', async () => {
    const paths = freshPaths(40);
    const held = paths.map((path) => hold(pair, path));
    const running = (): number => held.filter((each) => each.asked()).length;
    using client = await rawClient(pair.port);
    client.send(paths.map((path) => get(path)).join(''));
    await eventually(() => running() >= MOST_EXCHANGES, 'sixteen');
    await settled(pair);
    expect(running()).toBe(MOST_EXCHANGES);
    await held[0]?.answer();
    await eventually(() => running() > MOST_EXCHANGES, 'one more');
    for (const each of held.slice(1)) await each.answer();
    expect((await answersOn(client, 40)).map(({ body }) => body)).toEqual(paths);
  });

  rule('pipelining', 'while one is running, what follows is not read without an end', async () => {
    const unsafe = hold(pair, '/blocks');
    using client = await rawClient(pair.port);
    client.send(post('/blocks', ''));
    await eventually(unsafe.asked, 'the request that blocks');
    const many = 2_000;
    const large = get('/large', [`X-Fill: ${'x'.repeat(15_000)}`]);
    client.send(large.repeat(many));
    let before = -1;
    let still = 0;
    // Ten looks without a byte taken: every buffer on the way is full.
    await eventually(() => {
      still = before === client.socket.writableLength ? still + 1 : 0;
      before = client.socket.writableLength;
      return still >= 10;
    }, 'back-pressure');
    expect(client.socket.writableLength).toBeGreaterThan((many * large.length) / 4);
    await unsafe.answer();
    await eventually(() => client.socket.writableLength === 0, 'all of it is taken', 20_000);
    expect((await answersOn(client, 3)).map(statusOf)).toEqual([200, 200, 200]);
  });

  rule('pipelining', 'after Connection: close nothing more is served', async () => {
    const [one = '', two = '', three = ''] = freshPaths(3);
    using client = await rawClient(pair.port);
    client.send(get(one) + get(two, ['Connection: close']) + get(three));
    await client.closed();
    const answers = await answersOn(client, 2);
    expect(answers.map(({ body }) => body)).toEqual([one, two]);
    expect(answers.map((each) => valueOf(each, 'connection')?.toLowerCase())).toEqual([undefined, 'close']);
    expect(client.received().endsWith(two)).toBe(true);
    await settled(pair);
    expect(asked(three)).toBe(0);
  });

  rule('pipelining', 'a client that leaves takes all its exchanges along', async () => {
    const [one, two] = [hold(pair, '/left-1'), hold(pair, '/left-2')];
    using client = await rawClient(pair.port);
    client.send(get('/left-1') + get('/left-2'));
    await eventually(() => one.asked() && two.asked(), 'both');
    client.socket.resetAndDestroy();
    await (await one.answer('')).closed();
    await (await two.answer('')).closed();
  });

  rule('pipelining', 'HEAD, empty answers and bodies, cut into pieces at any place', async () => {
    const [one = '', two = '', three = ''] = freshPaths(3);
    pair.answers.set('/head', () => 'HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n');
    pair.answers.set('/empty', () => 'HTTP/1.1 204 No Content\r\n\r\n');
    const chunks = '3\r\nabc\r\n0\r\n\r\n';
    pair.answers.set('/chunks', () => `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`);
    const all = [
      get(one),
      requestText('HEAD', '/proxy/head'),
      post(two, 'a body\r\n\r\nGET / HTTP/1.1\r\n'),
      get('/empty'),
      post(three, ''),
      get('/chunks'),
    ].join('');
    for (const step of [1, 7, 64, all.length - 1]) {
      using client = await rawClient(pair.port);
      client.socket.setNoDelay(true);
      for (let at = 0; at < all.length; at += step) {
        await new Promise((sent) => client.socket.write(all.slice(at, at + step), 'latin1', sent));
      }
      await client.until(/abc(\r\n0\r\n\r\n)?$/);
      const text = client.received().toLowerCase();
      const places = [one, 'content-length: 7', two, '204 no content', three, 'abc'].map((part) => text.indexOf(part));
      expect(places).not.toContain(-1);
      expect(places).toEqual(places.toSorted((a, b) => a - b));
      expect(text.match(/http\/1\.1 \d/g)).toHaveLength(6);
    }
    expect(pair.requestsFor(two).map(({ body }) => body)).toEqual(Array(4).fill('a body\r\n\r\nGET / HTTP/1.1\r\n'));
  });

  rule('pipelining', 'large answers that were ready before their turn arrive byte for byte', async () => {
    const first = hold(pair, '/first');
    const bodies = ['a', 'b', 'c'].map((letter) => `${letter}${letter.toUpperCase()}`.repeat(512 * 1024));
    bodies.forEach((body, i) => pair.answers.set(`/big-${i}`, () => answerText(body)));
    using client = await rawClient(pair.port);
    client.send(get('/first') + bodies.map((_, i) => get(`/big-${i}`)).join(''));
    await eventually(() => asked('/big-2') === 1, 'the last');
    await first.answer();
    const answers = await answersOn(client, 4);
    expect(answers.map(({ body }) => body.length)).toEqual([6, ...bodies.map(({ length }) => length)]);
    expect(answers.slice(1).every(({ body }, i) => body === bodies[i])).toBe(true);
  });

  rule('pipelining', 'what comes before an answer (103) waits for its turn too', async () => {
    const [slow, hinted] = [hold(pair, '/slow-2'), hold(pair, '/hinted')];
    using client = await rawClient(pair.port);
    client.send(get('/slow-2') + get('/hinted'));
    await hinted.answer('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n');
    await settled(pair);
    expect(client.received()).toBe('');
    await slow.answer();
    await hinted.answer();
    expect(await client.until(/\/hinted$/)).toMatch(/^HTTP\/1\.1 200 [^]*\/slow-2HTTP\/1\.1 (103|200) /);
  });
});
