import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeFronts } from '../support/fronts.ts';
import { answerText, requestText, statusOf, valueOf } from '../support/http.ts';
import { startRuled } from './ruled.ts';
import type { Ruled } from './ruled.ts';

const RULES = `
routes:
  - { name: plain, path: /api, upstream: o, response_headers: { set: { X-Route: plain } } }
  - { name: two, path: /api, upstream: o, match: { headers: { X-Version: "2" } }, response_headers: { set: { X-Route: two } } }
  - name: beta
    path: /api
    upstream: o
    match: { headers: { X-Version: "2" }, query: { beta: "1" } }
    response_headers: { set: { X-Route: beta } }
  - { path: /only, upstream: o, match: { query: { on: "" } } }
  - { path: /v1, upstream: o, rewrite: { prefix: /v2 } }
  - { exact: /one, upstream: o, rewrite: { prefix: /other/place } }
  - { path: /u, upstream: o, rewrite: { pattern: "^/u/(\\\\d+)(/.*)?$", to: /users/$1/profile$2 } }
  - { path: /dots, upstream: o, rewrite: { pattern: "^/dots/x([^y]*)y([^z]*)z$", to: /$1$2/etc } }
`;

describeFronts('match and rewrite', (front) => {
  let ruled: Ruled;
  beforeAll(async () => {
    ruled = await startRuled(RULES, { front, env: { ACCESS_LOG: 'on' } });
    ruled.answer = answerText();
  });
  afterAll(() => ruled[Symbol.asyncDispose]());

  const ok = async (target: string, fields: readonly string[] = []): Promise<string | undefined> => {
    const answer = await ruled.ask(requestText('GET', target, fields));
    expect(statusOf(answer)).toBe(200);
    return valueOf(answer, 'x-route');
  };
  const V2 = ['x-version: 2'];

  test.each<[string, readonly string[], string]>([
    ['/api', [], 'plain'],
    ['/api', V2, 'two'],
    ['/api/a?b', ['X-VERSION:   2  '], 'two'],
    ['/api', ['x-version: 20'], 'plain'],
    ['/api?beta=1', [], 'plain'],
    ['/api?beta=1', V2, 'beta'],
    ['/api?a&beta=1&c=d', V2, 'beta'],
    ['/api?%62eta=%31', V2, 'beta'],
    ['/api?beta=2', V2, 'two'],
    ['/api?beta=1&beta=1', V2, 'two'],
    ['/api?beta=1', ['x-version: 2', 'x-version: 2'], 'plain'],
    ['/api', ['x-version: 1', 'X-Version: 2'], 'plain'],
    ['/api', ['x-version: 2, 2'], 'plain'],
    // Who says that it is for this hop only has not said it.
    ['/api', ['x-version: 2', 'connection: x-version'], 'plain'],
    ['/api', ['x-version2: 2', 'y: x-version: 2'], 'plain'],
  ])('%s with %j goes to %s', async (target, fields, route) => {
    expect(await ok(target, fields)).toBe(route);
  });

  test('where no route has its conditions met there is none', async () => {
    expect(statusOf(await ruled.ask(requestText('GET', '/only')))).toBe(404);
    expect(statusOf(await ruled.ask(requestText('GET', '/only?on=1')))).toBe(404);
    expect(statusOf(await ruled.ask(requestText('GET', '/only?on')))).toBe(200);
  });

  test.each([
    ['/v1', '/v2'],
    ['/v1/', '/v2/'],
    ['/v1/a%20b?x=%2f&y', '/v2/a%20b?x=%2f&y'],
    ['/one?x', '/other/place?x'],
    ['/u/7', '/users/7/profile'],
    ['/u/7/a/b?c=d', '/users/7/profile/a/b?c=d'],
    ['/u/x', '/u/x'],
    ['/u', '/u'],
  ])('%s is forwarded as %s', async (target, forwarded) => {
    expect((await ruled.seen(requestText('GET', target))).startLine).toBe(`GET ${forwarded} HTTP/1.1`);
  });

  test('a rewrite that climbs above the root is refused', async () => {
    const before = ruled.upstream.requests.length;
    expect(statusOf(await ruled.ask(requestText('GET', '/dots/x.y.z', ['x-request-id: climbs'])))).toBe(400);
    expect(ruled.upstream.requests).toHaveLength(before);
    const line = await ruled.gateway.waitForLog((each) => each['request_id'] === 'climbs');
    expect(line).toMatchObject({ client: '127.0.0.1', route: 'dots', outcome: 'bad_request' });
    expect((await ruled.seen(requestText('GET', '/dots/xayz'))).startLine).toBe('GET /a/etc HTTP/1.1');
  });

  test('a path made to take long is answered at once', async () => {
    const path = `/u/${'7'.repeat(10_000)}x`;
    expect((await ruled.seen(requestText('GET', path))).startLine).toBe(`GET ${path} HTTP/1.1`);
  });
});
