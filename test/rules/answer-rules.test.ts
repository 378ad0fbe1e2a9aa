import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeFronts } from '../support/fronts.ts';
import { answerText, messageAt, requestText, statusOf, valueOf, valuesOf } from '../support/http.ts';
import type { Message } from '../support/http.ts';
import { rawClient } from '../support/raw.ts';
import { get } from '../support/requests.ts';
import { startRuled } from './ruled.ts';
import type { Ruled } from './ruled.ts';

const RULES = `
routes:
  - { path: /old, redirect: { to: https://new.example.com, status: 308, keep_path: true } }
  - { path: /moved, redirect: { to: https://new.example.com/base/, keep_path: true }, strip_prefix: true }
  - { path: /local, redirect: { to: /, keep_path: true, status: 302 }, strip_prefix: true }
  - { path: /docs, redirect: { to: "/manual?from=docs#top", status: 301 }, response_headers: { set: { X-Env: prod } } }
  - { exact: /ping, respond: { text: "ok" } }
  - { exact: /utf8, respond: { text: "grüße €" } }
  - { exact: /info, respond: { status: 203, json: { name: "é", list: [1, null] } } }
  - { exact: /page, respond: { body: "<p>hi", type: "text/html; charset=utf-8" }, response_headers: { set: { X-Env: prod, Content-Type: text/x } } }
  - { exact: /empty, respond: { status: 204 } }
  - { exact: /reset, respond: { status: 205 } }
  - { exact: /gone, respond: { status: 410 }, methods: [GET] }
  - { exact: /broken, respond: { status: 503, text: "closed" } }
  - { path: /, upstream: o }
`;

describeFronts('redirects and fixed answers', (front) => {
  let ruled: Ruled;
  beforeAll(async () => {
    // Limits of one request: none of these answers takes a token.
    const env = { RATE_LIMIT_CAPACITY: '1', RATE_LIMIT_REFILL_RATE: '0.000001', RATE_LIMIT_ALLOWLIST: '' };
    ruled = await startRuled(RULES, { front, env: { ACCESS_LOG: 'on', ...env } });
    ruled.answer = answerText('upstream');
  });
  afterAll(() => ruled[Symbol.asyncDispose]());

  const shown = (answer: Message): unknown => [statusOf(answer), valueOf(answer, 'location')];

  test.each([
    ['/old', 308, 'https://new.example.com/old'],
    ['/old/a%20b?x=1&x=2', 308, 'https://new.example.com/old/a%20b?x=1&x=2'],
    ['/old//evil.example', 308, 'https://new.example.com/old//evil.example'],
    ['/moved', 307, 'https://new.example.com/base/'],
    ['/moved/a?b', 307, 'https://new.example.com/base/a?b'],
    ['/local/a', 302, '/a'],
    ['/local//evil.example/a', 302, '/evil.example/a'],
    ['/local///evil.example', 302, '/evil.example'],
    ['/local/%2F/evil.example', 302, '/%2F/evil.example'],
    ['/docs', 301, '/manual?from=docs#top'],
    ['/docs/x?y=%0d%0aX-Evil:1', 301, '/manual?from=docs&y=%0d%0aX-Evil:1#top'],
  ])('%s: %i %s', async (target, status, location) => {
    const answer = await ruled.ask(requestText('GET', target));
    expect(shown(answer)).toEqual([status, location]);
    expect(valueOf(answer, 'content-length')).toBe('0');
    expect(answer.body).toBe('');
    expect(valuesOf(answer, 'x-evil')).toEqual([]);
    expect(valueOf(answer, 'x-request-id')).toBeDefined();
  });

  test.each([
    ['/ping', 200, 'text/plain; charset=utf-8', 'ok'],
    ['/utf8', 200, 'text/plain; charset=utf-8', 'grüße €'],
    ['/info', 203, 'application/json', '{"name":"é","list":[1,null]}'],
    ['/page', 200, 'text/html; charset=utf-8', '<p>hi'],
    ['/broken', 503, 'text/plain; charset=utf-8', 'closed'],
  ])('%s answers %i, and HEAD the same without the body', async (path, status, ...[type, body]) => {
    const bytes = String(Buffer.byteLength(body));
    const answer = await ruled.ask(requestText('GET', path));
    expect([statusOf(answer), valueOf(answer, 'content-type')]).toEqual([status, type]);
    expect(valueOf(answer, 'content-length')).toBe(bytes);
    expect(Buffer.from(answer.body, 'latin1').toString()).toBe(body);
    using client = await rawClient(ruled.gateway.port);
    client.send(requestText('HEAD', path) + requestText('HEAD', path));
    for (const i of [0, 1]) {
      const head = await messageAt(client, i, { withoutBody: true });
      expect([statusOf(head), valueOf(head, 'content-length')]).toEqual([status, bytes]);
    }
  });

  test('an answer that never has a body says no length, and the connection goes on', async () => {
    using client = await rawClient(ruled.gateway.port);
    client.send(requestText('GET', '/empty'));
    const empty = await messageAt(client, 0);
    expect([empty.startLine, valuesOf(empty, 'content-length'), valuesOf(empty, 'content-type')]).toEqual([
      'HTTP/1.1 204 No Content',
      [],
      [],
    ]);
    client.send(requestText('GET', '/reset'));
    expect(valueOf(await messageAt(client, 1), 'content-length')).toBe('0');
    client.send(requestText('GET', '/ping'));
    expect((await messageAt(client, 2)).body).toBe('ok');
  });

  test('any method is answered, and a body is read past', async () => {
    using client = await rawClient(ruled.gateway.port);
    const post = `${requestText('POST', '/ping', ['Content-Length: 5'])}hello`;
    client.send(post + post + requestText('DELETE', '/old'));
    expect((await messageAt(client, 0)).body).toBe('ok');
    expect((await messageAt(client, 1)).body).toBe('ok');
    expect(shown(await messageAt(client, 2))).toEqual([308, 'https://new.example.com/old']);
  });

  test('a client that waits before it sends a large body is spared that', async () => {
    using client = await rawClient(ruled.gateway.port);
    const length = 20 * 1024 * 1024; // more than a route would forward
    client.send(
      requestText('PUT', '/old/file', [
        `Content-Length: ${length}`,
        ...(front === 'uws' ? [] : ['Expect: 100-continue']),
      ]),
    );
    const answer = await messageAt(client, 0);
    expect(shown(answer)).toEqual([308, 'https://new.example.com/old/file']);
    expect(client.received()).not.toContain('100 Continue');
  });

  test('a method that the route does not take is 405, or goes on to one that does', async () => {
    expect(statusOf(await ruled.ask(requestText('GET', '/gone')))).toBe(410);
    expect((await ruled.ask(requestText('POST', '/gone', ['Content-Length: 0']))).body).toBe('upstream');
  });

  test('rules for answers hold, but for what the answer says of its own body', async () => {
    const page = await ruled.ask(requestText('GET', '/page'));
    expect([valueOf(page, 'x-env'), valueOf(page, 'content-type')]).toEqual(['prod', 'text/html; charset=utf-8']);
    expect(valueOf(await ruled.ask(requestText('GET', '/docs')), 'x-env')).toBe('prod');
  });

  test('they count as requests of their route, are logged, and no upstream or limit hears of them', async () => {
    const before = ruled.upstream.requests.length;
    for (let i = 0; i < 3; i++) {
      const answer = await ruled.ask(requestText('GET', '/broken', [`x-request-id: counted-${i}`]));
      expect(statusOf(answer)).toBe(503);
      expect(answer.fields.filter(([name]) => /ratelimit/i.test(name))).toEqual([]);
    }
    const line = await ruled.gateway.waitForLog((each) => each['request_id'] === 'counted-2');
    expect(line).toMatchObject({ route: 'broken', status: 503, outcome: 'ok', target: '', bytes_sent: 6 });
    expect(ruled.upstream.requests).toHaveLength(before);
    const { body } = await get(ruled.gateway.adminPort, '/metrics');
    expect(body).toMatch(/http_requests_total\{[^}]*route="broken"[^}]*\} [3-9]/);
    expect(body).toMatch(/http_requests_5xx_total\{[^}]*route="broken"[^}]*\} [3-9]/);
    expect(body).not.toMatch(/http_refused_total\{[^}]*code="circuit_open"[^}]*\} [1-9]/);
  });
});
