import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { ask, recordingUpstream, requestText, statusOf, valueOf } from '../support/http.ts';
import type { RecordingUpstream } from '../support/http.ts';
import { FORWARDING_ONLY } from '../support/pair.ts';

let upstream: RecordingUpstream;
let gateway: Gateway;
beforeAll(async () => {
  upstream = await recordingUpstream();
  gateway = await startGateway({
    env: { ...FORWARDING_ONLY, UPSTREAM_URL: `http://127.0.0.1:${upstream.port}` },
    yaml: `
upstreams: { admin: { url: "http://127.0.0.1:${upstream.port}/admin-of-app" } }
routes:
  - { path: /proxy, upstream: default, strip_prefix: true }
  - { path: /public, upstream: default }
  - { path: /admin, upstream: admin, host: internal.test }
  - { exact: /only, upstream: default, methods: [GET, HEAD] }
  - { exact: /only, upstream: default, methods: [PUT], name: only-put }
`,
  });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

/** The path the upstream was asked for, or the status of the refusal. */
async function forwarded(target: string, method = 'GET'): Promise<string | number> {
  const before = upstream.requests.length;
  const answer = await ask(gateway.port, requestText(method, target));
  const request = upstream.requests[before];
  return request === undefined ? statusOf(answer) : (request.startLine.split(' ')[1] ?? '');
}

describe('the path is normalised once, for routing and forwarding', () => {
  it.each([
    ['/proxy', '/'],
    ['/proxy/', '/'],
    ['/proxy?x', '/?x'],
    ['/proxy/a/b', '/a/b'],
    ['/proxy//a///b', '//a///b'],
    ['/proxy/img/https://example.com/a.png', '/img/https://example.com/a.png'],
    ['/proxy/CORP%5cjohn%0a%09%7F', '/CORP%5Cjohn%0A%09%7F'],
    ['/proxy/./a/.', '/a/'],
    ['/proxy/a/../b', '/b'],
    ['/proxy/%61%2d%7E', '/a-~'],
    ['/proxy/a%2fb%20c', '/a%2Fb%20c'],
    ['/%70roxy/a', '/a'],
    ['/public/a', '/public/a'],
    ['/public/x/%2e%2e/y', '/public/y'],
    ['/proxy/..%2e', '/...'],
    ['/proxy/a?next=../../etc', '/a?next=../../etc'],
  ])('%s is forwarded as %s', async (target, path) => {
    expect(await forwarded(target)).toBe(path);
  });

  it.each([
    ['/proxy/../public/a', '/public/a'],
    ['/proxy/%2e%2e/public/a', '/public/a'],
    ['/proxy/../admin', 404],
    ['/public/../only', '/only'],
    ['/public/..', 404],
    ['/proxyfoo', 404],
    ['/PROXY/a', 404],
    ['/only/', 404],
    ['//proxy/a', 404],
    ['/onlyx', 404],
    ['/', 404],
    ['/../proxy/a', 400],
    ['/proxy/../../etc/passwd', 400],
    ['/proxy/%2e%2e/%2e%2e/x', 400],
  ])('%s never leaves its route by dots: %s', async (target, outcome) => {
    expect(await forwarded(target)).toBe(outcome);
  });
});

describe('404 and 405', () => {
  it('404 is problem+json in one line with a newline', async () => {
    const answer = await ask(gateway.port, requestText('GET', '/nowhere', ['X-Request-Id: id-404']));
    expect(answer.startLine).toBe('HTTP/1.1 404 Not Found');
    expect(valueOf(answer, 'content-type')).toBe('application/problem+json');
    expect(valueOf(answer, 'x-request-id')).toBe('id-404');
    expect(answer.body).toMatch(/^\{[^\n]*\}\n$/);
    expect(JSON.parse(answer.body)).toMatchObject({
      status: 404,
      title: 'Not Found',
      code: 'no_route',
      request_id: 'id-404',
    });
  });

  it('405 says what is allowed, by all routes of the path together', async () => {
    const answer = await ask(gateway.port, requestText('DELETE', '/only'));
    expect([statusOf(answer), valueOf(answer, 'allow')]).toEqual([405, 'GET, HEAD, PUT']);
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'method_not_allowed' });
    expect(await forwarded('/only', 'PUT')).toBe('/only');
  });

  it('a refusal without harm leaves the connection open; HEAD gets its header alone', async () => {
    const answer = await ask(gateway.port, requestText('HEAD', '/nowhere'));
    expect([statusOf(answer), answer.body]).toEqual([404, '']);
    expect(Number(valueOf(answer, 'content-length'))).toBeGreaterThan(50);
    expect(valueOf(answer, 'connection')).toBeUndefined();
  });

  it('a route of another host is no route', async () => {
    expect(await forwarded('/admin/x')).toBe(404);
    const answer = await ask(gateway.port, 'GET /admin/x HTTP/1.1\r\nHost: Internal.Test:8080\r\n\r\n');
    expect(statusOf(answer)).toBe(200);
    expect(upstream.requests.at(-1)?.startLine).toBe('GET /admin-of-app/admin/x HTTP/1.1');
  });
});
