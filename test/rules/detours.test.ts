import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeFronts } from '../support/fronts.ts';
import { answerText, requestText, statusOf, valueOf, valuesOf } from '../support/http.ts';
import { startRuled } from './ruled.ts';
import type { Ruled } from './ruled.ts';

const RULES = `
routes:
  - path: /u
    upstream: o
    redirect: { pattern: "^/u/(\\\\d+)(/.*)?$", to: "/users/$1$2", status: 301 }
    cors: { origins: ["https://app.example.com"] }
  - { path: /blog, respond: { status: 410, text: gone }, redirect: { pattern: "^/blog/(\\\\d{4})/([^/]+)$", to: "https://blog.example.com/$2?year=$1", status: 308 } }
  - { path: /last, upstream: o, redirect: { pattern: "^/last/[^/]+$", to: /last/newest, status: 302 } }
  - { path: /slash, upstream: o, redirect: { pattern: "^/slash/(.*)$", to: /$1 } }
  - { path: /locked, upstream: o, strip_prefix: true, authenticate: [api_key], redirect: { scheme: https, port: 8443, status: 308 } }
  - { path: /, upstream: o, redirect: { scheme: https } }
`;
const FROM_PROXY = { TRUSTED_PROXIES: '127.0.0.1' };

describeFronts('redirects of some requests', (front) => {
  let ruled: Ruled;
  beforeAll(async () => {
    // Limits of one request: none of these answers takes a token.
    const env = { RATE_LIMIT_CAPACITY: '1', RATE_LIMIT_REFILL_RATE: '0.000001', RATE_LIMIT_ALLOWLIST: '' };
    ruled = await startRuled(RULES, { front, env: { ...env, ...FROM_PROXY } });
    ruled.answer = answerText('upstream');
  });
  afterAll(() => ruled[Symbol.asyncDispose]());

  test.each([
    ['/u/7', 301, '/users/7'],
    ['/u/7/a%20b?x=1&y', 301, '/users/7/a%20b?x=1&y'],
    ['/u/7//evil.example', 301, '/users/7//evil.example'],
    ['/blog/2024/hi?x=1', 308, 'https://blog.example.com/hi?year=2024&x=1'],
    ['/blog/2024/@evil.example', 308, 'https://blog.example.com/@evil.example?year=2024'],
    ['/last/1', 302, '/last/newest'],
    ['/slash//evil.example', 307, '/evil.example'],
    ['/slash///evil.example/%2F?a', 307, '/evil.example/%2F?a'],
  ])('by pattern: %s: %i %s', async (target, status, location) => {
    const answer = await ruled.ask(requestText('GET', target));
    expect([statusOf(answer), valueOf(answer, 'location'), answer.body]).toEqual([status, location, '']);
    expect(valueOf(answer, 'x-request-id')).toBeDefined();
  });

  test('whom the pattern does not mean goes on to what else the route has', async () => {
    expect(statusOf(await ruled.ask(requestText('GET', '/blog/about')))).toBe(410);
    await using free = await startRuled(RULES, { front, env: FROM_PROXY });
    for (const path of ['/u/x', '/last/newest', '/last/a/b']) {
      expect((await free.seen(requestText('GET', path))).raw).toMatch(new RegExp(`^GET ${path} HTTP`));
    }
  });

  test('pages may read where they are sent, and a body on its way is let be', async () => {
    const answer = await ruled.ask(
      `${requestText('POST', '/u/1', ['Origin: https://app.example.com', 'Content-Length: 3'])}abc`,
    );
    expect([statusOf(answer), valueOf(answer, 'access-control-allow-origin')]).toEqual([
      301,
      'https://app.example.com',
    ]);
  });

  test.each([
    ['a.test', 'http', 'https://a.test/x/y?q=1'],
    ['a.test:5000', 'HTTP', 'https://a.test/x/y?q=1'],
    ['[::1]:5000', 'http', 'https://[::1]/x/y?q=1'],
    ['inner:5000', 'http\r\nX-Forwarded-Host: shop.example.com:80', 'https://shop.example.com/x/y?q=1'],
  ])('by scheme: for %s a proxy says %j', async (host, proto, location) => {
    const answer = await ruled.ask(`GET /x/y?q=1 HTTP/1.1\r\nHost: ${host}\r\nX-Forwarded-Proto: ${proto}\r\n\r\n`);
    expect([statusOf(answer), valuesOf(answer, 'location')]).toEqual([307, [location]]);
  });

  test('by scheme before a credential is asked for, with the path that was asked for, to a port of its own', async () => {
    const answer = await ruled.ask(requestText('GET', '/locked/a?b', ['X-Forwarded-Proto: http']));
    expect([statusOf(answer), valueOf(answer, 'location')]).toEqual([308, 'https://gateway.test:8443/locked/a?b']);
    const secure = await ruled.ask(requestText('GET', '/locked/a?b', ['X-Forwarded-Proto: https']));
    expect(statusOf(secure)).toBe(401);
  });

  test('who came by https goes on, and what nobody trusted says of it counts for nothing', async () => {
    await using trusting = await startRuled(RULES, { front, env: FROM_PROXY });
    const seen = await trusting.seen(requestText('GET', '/x', ['X-Forwarded-Proto: https']));
    expect(valueOf(seen, 'x-forwarded-proto')).toBe('https');
    await using other = await startRuled(RULES, { front });
    const answer = await other.ask(
      requestText('GET', '/x', ['X-Forwarded-Proto: https', 'X-Forwarded-Host: evil.example']),
    );
    expect([statusOf(answer), valueOf(answer, 'location')]).toEqual([307, 'https://gateway.test/x']);
    expect(other.upstream.requests).toEqual([]);
  });

  test('a request of HTTP/1.0 without a host cannot be sent anywhere', async () => {
    const answer = await ruled.ask('GET /x HTTP/1.0\r\n\r\n');
    expect(statusOf(answer)).toBe(front === 'uws' ? 505 : 400);
  });
});
