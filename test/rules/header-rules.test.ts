import { afterAll, beforeAll, expect, test } from 'vitest';
import { aKey } from '../identity/setup.ts';
import { describeFronts } from '../support/fronts.ts';
import { answerText, messageAt, requestText, statusOf, valueOf, valuesOf } from '../support/http.ts';
import { rawClient } from '../support/raw.ts';
import { startRuled } from './ruled.ts';
import type { Ruled } from './ruled.ts';

const known = aKey();
const RULES = `
consumers: { acme: { keys: [${known.yaml}] } }
routes:
  - path: /a
    upstream: o
    request_headers:
      set: { X-Env: prod, X-Seen: "\${client_ip} \${request_id}", X-Literal: "$\${x}" }
      add: { X-Tag: ours }
      remove: [X-Debug, User-Agent]
    response_headers:
      set: { Strict-Transport-Security: max-age=31536000, X-For: "\${request_id}" }
      add: { Set-Cookie: "seen=1" }
      remove: [Server, X-Powered-By]
  - path: /typed
    upstream: o
    max_body_bytes: 10
    response_headers: { set: { Content-Type: text/x-own, ETag: '"1"' } }
  - path: /keyed
    upstream: o
    authenticate: [api_key]
    anonymous: true
    request_headers: { set: { X-Who: "user \${consumer}" } }
    response_headers: { set: { X-Who: "\${consumer}" } }
  - path: /closed
    upstream: o
    authenticate: [api_key]
    response_headers: { set: { X-Env: prod } }
  - path: /limited
    upstream: o
    limits: [{ capacity: 0, refill_per_second: 0.001 }]
    response_headers: { set: { X-Env: prod } }
  - { path: /free, upstream: o }
`;
const TRACE = 'x-request-id: abc-1';

describeFronts('header rules', (front) => {
  let ruled: Ruled;
  beforeAll(async () => {
    ruled = await startRuled(RULES, { front, env: { ACCESS_LOG: 'off', RATE_LIMIT_ALLOWLIST: '' } });
  });
  afterAll(() => ruled[Symbol.asyncDispose]());

  test('the upstream gets what they say', async () => {
    const seen = await ruled.seen(
      requestText('GET', '/a', [
        TRACE,
        'X-Env: evil',
        'x-env: evil too',
        'X-ENV: evil as well',
        'X_Env: evil twin',
        'X-Debug: 1',
        'x-debug: 2',
        'X-Debugger: stays',
        'User-Agent: x',
        'X-Tag: theirs',
        'X-Tag: theirs too',
        'X-Seen: 6.6.6.6',
      ]),
    );
    expect(valuesOf(seen, 'x-env')).toEqual(['prod']);
    expect(valuesOf(seen, 'x_env')).toEqual([]);
    expect(valuesOf(seen, 'x-debug')).toEqual([]);
    expect(valuesOf(seen, 'user-agent')).toEqual([]);
    expect(valuesOf(seen, 'x-debugger')).toEqual(['stays']);
    expect(valuesOf(seen, 'x-tag')).toEqual(['theirs', 'theirs too', 'ours']);
    expect(valuesOf(seen, 'x-seen')).toEqual(['127.0.0.1 abc-1']);
    expect(valuesOf(seen, 'x-literal')).toEqual(['${x}']);
    expect(valuesOf(seen, 'x-request-id')).toEqual(['abc-1']);
    expect(valuesOf(seen, 'x-forwarded-for')).toEqual(['127.0.0.1']);
  });

  test('a body goes along, and its framing is untouched', async () => {
    const seen = await ruled.seen(`${requestText('POST', '/a', ['Content-Length: 5', 'X-Env: evil'])}hello`);
    expect(seen.body).toBe('hello');
    expect(valuesOf(seen, 'content-length')).toEqual(['5']);
    expect(valuesOf(seen, 'x-env')).toEqual(['prod']);
  });

  test('the client gets what they say, however often the same answer comes', async () => {
    const fields = ['Server: nginx', 'A: 1', 'x-powered-by: php', 'X-For: theirs', 'Set-Cookie: theirs=1', 'SERVER: 2'];
    ruled.answer = answerText('body', fields);
    for (let i = 0; i < 3; i++) {
      const answer = await ruled.ask(requestText('GET', '/a', [TRACE]));
      expect(answer.body).toBe('body');
      expect(valuesOf(answer, 'server')).toEqual([]);
      expect(valuesOf(answer, 'x-powered-by')).toEqual([]);
      expect(valueOf(answer, 'a')).toBe('1');
      expect(valueOf(answer, 'x-for')).toBe('abc-1');
      expect(valueOf(answer, 'strict-transport-security')).toBe('max-age=31536000');
      expect(valuesOf(answer, 'set-cookie').sort()).toEqual(['seen=1', 'theirs=1']);
      expect(valueOf(answer, 'x-request-id')).toBe('abc-1');
    }
  });

  test('when all that an upstream says is taken away, the rest is whole', async () => {
    ruled.answer = answerText('b', ['Server: x']);
    expect((await ruled.ask(requestText('GET', '/a'))).body).toBe('b');
    ruled.answer = 'HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n';
    const answer = await ruled.ask(requestText('GET', '/a'));
    expect(statusOf(answer)).toBe(204);
    expect(valuesOf(answer, 'server')).toEqual([]);
    ruled.answer = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nServer: x\r\n\r\n1\r\nb\r\n0\r\n\r\n';
    expect((await ruled.ask(requestText('HEAD', '/a'))).startLine).toBe('HTTP/1.1 200 OK');
    expect((await ruled.ask(requestText('GET', '/a'))).body).toBe('b');
  });

  test.each([
    ['/limited', 429],
    ['/closed', 401],
  ])('our own answers have them too: %s', async (path, status) => {
    const answer = await ruled.ask(requestText('GET', path));
    expect(statusOf(answer)).toBe(status);
    expect(valueOf(answer, 'x-env')).toBe('prod');
    expect(valueOf(answer, 'content-type')).toBe('application/problem+json');
  });

  test('what speaks of a body that an answer of ours has not is left out', async () => {
    ruled.answer = answerText('b', ['Content-Type: text/plain', 'ETag: "2"']);
    const theirs = await ruled.ask(requestText('GET', '/typed'));
    expect([valueOf(theirs, 'content-type'), valueOf(theirs, 'etag')]).toEqual(['text/x-own', '"1"']);
    const ours = await ruled.ask(`${requestText('POST', '/typed', ['Content-Length: 11'])}hello world`);
    expect(statusOf(ours)).toBe(413);
    expect([valueOf(ours, 'content-type'), valuesOf(ours, 'etag')]).toEqual(['application/problem+json', []]);
  });

  test('${consumer} is who has proved it, and nobody leaves the field out', async () => {
    ruled.answer = answerText();
    const seen = await ruled.seen(requestText('GET', '/keyed', [`X-Api-Key: ${known.key}`, 'X-Who: evil']));
    expect(valuesOf(seen, 'x-who')).toEqual(['user acme']);
    const nobody = await ruled.seen(requestText('GET', '/keyed', ['X-Who: evil']));
    expect(valuesOf(nobody, 'x-who')).toEqual([]);
    expect(valuesOf(await ruled.ask(requestText('GET', '/keyed')), 'x-who')).toEqual([]);
  });

  test('a route without rules changes nothing', async () => {
    ruled.answer = answerText('', ['Server: nginx']);
    const seen = await ruled.seen(requestText('GET', '/free', ['X-Env: mine', 'User-Agent: x']));
    expect([valueOf(seen, 'x-env'), valueOf(seen, 'user-agent')]).toEqual(['mine', 'x']);
    const answer = await ruled.ask(requestText('GET', '/free'));
    expect([valueOf(answer, 'server'), valuesOf(answer, 'x-env')]).toEqual(['nginx', []]);
  });

  test('rules of one request are not those of the next on its connection', async () => {
    ruled.answer = answerText('', ['Server: nginx']);
    using client = await rawClient(ruled.gateway.port);
    const servers: string[][] = [];
    for (const [i, path] of ['/a', '/free', '/a', '/free'].entries()) {
      client.send(requestText('GET', path));
      servers.push(valuesOf(await messageAt(client, i), 'server'));
    }
    expect(servers).toEqual([[], ['nginx'], [], ['nginx']]);
  });
});

test('trailers that rules take away go neither way, and 103s lose what answers lose', async () => {
  await using ruled = await startRuled(RULES, { front: 'native', env: { ACCESS_LOG: 'off' } });
  ruled.answer =
    'HTTP/1.1 103 Early Hints\r\nServer: x\r\nLink: </a>\r\n\r\n' +
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-powered-by\r\n\r\n1\r\nb\r\n0\r\nX-Powered-By: php\r\nX-Sum: 1\r\n\r\n';
  const body = '1\r\nb\r\n0\r\nX-Debug: 1\r\nX-Sum: 2\r\n\r\n';
  using client = await rawClient(ruled.gateway.port);
  client.send(requestText('POST', '/a', ['Transfer-Encoding: chunked', 'TE: trailers', 'Connection: te']) + body);
  const early = await messageAt(client, 0);
  const answer = await messageAt(client, 1);
  expect([statusOf(early), valuesOf(early, 'server'), valuesOf(early, 'link')]).toEqual([103, [], ['</a>']]);
  expect(answer.trailers).toEqual([['X-Sum', '1']]);
  expect(ruled.upstream.requests[0]?.trailers).toEqual([['X-Sum', '2']]);
});
