import { afterAll, beforeAll, expect } from 'vitest';
import { answerText, messageAt, requestText, statusOf, valueOf, valuesOf } from '../support/http.ts';
import { describeFronts } from '../support/fronts.ts';
import { startPair } from '../support/pair.ts';
import type { Pair } from '../support/pair.ts';
import { rawClient } from '../support/raw.ts';
import { rulesOn } from './differences.ts';
import { freshPath, hold, lastAnswer } from './setup.ts';

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const HINTS = 'HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\nX-Name: caf\xe9\r\n\r\n';

describeFronts('what comes before an answer', (front) => {
  const rule = rulesOn(front);
  let pair: Pair;
  beforeAll(async () => {
    pair = await startPair({ front });
  });
  afterAll(() => pair[Symbol.asyncDispose]());

  for (const [id, value] of [
    ['expect', '100-continue'],
    ['expect-case', '100-Continue'],
    ['expect-case', '100-CONTINUE'],
  ] as const) {
    rule(id, `Expect: ${value} gets its 100, and goes no further`, async () => {
      const path = freshPath();
      using client = await rawClient(pair.port);
      client.send(requestText('POST', `/proxy${path}`, ['Content-Length: 4', `Expect: ${value}`]));
      expect(await client.until('\r\n\r\n')).toBe(CONTINUE);
      client.send('body');
      expect(statusOf(await messageAt(client, 1))).toBe(200);
      const [request] = pair.requestsFor(path);
      expect([request?.body, request && valuesOf(request, 'expect')]).toEqual(['body', []]);
    });
  }

  for (const [name, target, length, status] of [
    ['no route', '/nowhere', 4, 404],
    ['a body that is too large', '/proxy/large', 1_000_000_000_000, 413],
  ] as const) {
    rule('expect-refused', `no 100 for a request that is refused: ${name}`, async () => {
      using client = await rawClient(pair.port);
      client.send(requestText('POST', target, [`Content-Length: ${length}`, 'Expect: 100-continue']));
      expect(statusOf(await messageAt(client, 0))).toBe(status);
    });
  }

  for (const [name, interim] of [
    ['103 Early Hints', HINTS],
    ['102 Processing', 'HTTP/1.1 102 Processing\r\n\r\n'],
  ] as const) {
    rule('informational', `${name} goes on at once, with its fields`, async () => {
      const path = freshPath();
      const held = hold(pair, path);
      using client = await rawClient(pair.port);
      client.send(requestText('GET', `/proxy${path}`));
      await held.answer(interim);
      const first = await messageAt(client, 0);
      expect(first.startLine).toBe(`HTTP/1.1 ${name}`);
      if (interim === HINTS) {
        expect(valueOf(first, 'link')).toBe('</style.css>; rel=preload');
        expect(valueOf(first, 'x-name')).toBe('caf\xe9');
      }
      await held.answer(interim);
      await held.answer();
      expect(statusOf(await messageAt(client, 2))).toBe(200);
    });
  }

  rule('no-continue', '100 of the upstream ends here', async () => {
    const path = freshPath();
    pair.answers.set(path, () => CONTINUE + answerText('done'));
    using client = await rawClient(pair.port);
    client.send(`${requestText('POST', `/proxy${path}`, ['Content-Length: 4'])}body`);
    const answer = await messageAt(client, 0);
    expect([statusOf(answer), answer.body]).toEqual([200, 'done']);
  });

  rule('no-switch', '101 that nobody asked for is no answer', async () => {
    const path = freshPath();
    pair.answers.set(path, () => 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
    using client = await rawClient(pair.port);
    client.send(requestText('GET', `/proxy${path}`, ['Connection: Upgrade', 'Upgrade: x']));
    expect(statusOf(await messageAt(client, 0))).toBe(502);
  });

  rule('http-1.0', 'HTTP/1.0 clients get the answer alone', async () => {
    const path = freshPath();
    pair.answers.set(path, () => HINTS + answerText('done'));
    using client = await rawClient(pair.port);
    client.send(`GET /proxy${path} HTTP/1.0\r\n\r\n`);
    const answer = await lastAnswer(client);
    expect([statusOf(answer), answer.body]).toEqual([200, 'done']);
  });
});

describeFronts('FORWARD_INFORMATIONAL=off', (front) => {
  rulesOn(front)('informational-off', 'only the answer goes on', async () => {
    await using pair = await startPair({ front, env: { FORWARD_INFORMATIONAL: 'off' } });
    pair.answers.set('/hints', () => HINTS + answerText('done'));
    using client = await rawClient(pair.port);
    client.send(requestText('GET', '/proxy/hints'));
    const answer = await messageAt(client, 0);
    expect([statusOf(answer), answer.body]).toEqual([200, 'done']);
  });
});
