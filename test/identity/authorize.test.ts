import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeFronts } from '../support/fronts.ts';
import { answerText, ask, messageAt, requestText, statusOf, valueOf, valuesOf } from '../support/http.ts';
import type { Message } from '../support/http.ts';
import { rawClient } from '../support/raw.ts';
import { get } from '../support/requests.ts';
import { until } from '../support/wait.ts';
import { NO, startGuarded, YES } from './authorize.ts';
import type { Guarded } from './authorize.ts';
import { aKey } from './setup.ts';

const COPY = 'copy: [x-user, X-Groups], cache_seconds: 0, negative_cache_seconds: 0';
const code = (answer: Message): unknown => (JSON.parse(answer.body) as { code: unknown }).code;
const secret = 'Authorization: Bearer s3cret';

describeFronts('an authorizer', (front) => {
  let guarded: Guarded;
  beforeAll(async () => {
    guarded = await startGuarded(COPY, { front });
  });
  afterAll(() => guarded[Symbol.asyncDispose]());

  const send = (target: string, fields: readonly string[] = [], method = 'GET'): Promise<Message> =>
    ask(guarded.port, requestText(method, target, fields));
  const asked = (): Message => guarded.authorizer.requests.at(-1) as Message;
  const seen = (): Message => guarded.upstream.requests.at(-1) as Message;

  test('is asked with what the route forwards of the request, and who and what it is', async () => {
    guarded.answers = () => YES();
    const fields = [secret, 'Cookie: a=b', 'Accept: text/html', 'X-Forwarded-For: 9.9.9.9', 'X-Forwarded-Uri: /fake'];
    expect(statusOf(await send('/a/./b?c=d', [...fields, 'X-Request-Id: r1'], 'DELETE'))).toBe(200);
    const { startLine } = asked();
    expect(startLine).toBe('GET /check?for=a HTTP/1.1');
    expect(Object.fromEntries(asked().fields.map(([name, value]) => [name.toLowerCase(), value]))).toEqual({
      host: `127.0.0.1:${guarded.authorizer.port}`,
      authorization: 'Bearer s3cret',
      cookie: 'a=b',
      'x-forwarded-for': '127.0.0.1',
      'x-real-ip': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'gateway.test',
      'x-forwarded-method': 'DELETE',
      'x-forwarded-uri': '/a/b?c=d',
      'x-request-id': 'r1',
      via: '1.1 api-gateway',
    });
    expect(seen().startLine).toBe('DELETE /a/b?c=d HTTP/1.1');
    expect(valueOf(seen(), 'authorization')).toBe('Bearer s3cret');
    expect(valueOf(seen(), 'x-forwarded-uri')).toBeUndefined();
  });

  test('is asked before anything of the request reaches the upstream, once for each', async () => {
    guarded.answers = () => NO();
    const [before, asks] = [guarded.upstream.requests.length, guarded.authorizer.requests.length];
    for (let n = 0; n < 3; n++) expect(statusOf(await send('/a', [secret]))).toBe(401);
    expect(guarded.upstream.requests).toHaveLength(before);
    expect(guarded.authorizer.requests).toHaveLength(asks + 3);
  });

  test('says who the caller is, and nobody else does', async () => {
    guarded.answers = () => YES(['X-User: anna', 'X-Groups: a', 'X-Groups: b', 'X-Other: no', 'Set-Cookie: s=1']);
    const spoofed = ['X-User: root', 'x-user: root', 'X-Groups: root', 'X-Roles: kept'];
    const answer = await send('/a', spoofed);
    expect(valuesOf(answer, 'set-cookie')).toEqual([]);
    expect(valuesOf(seen(), 'x-user')).toEqual(['anna']);
    expect(valuesOf(seen(), 'x-groups')).toEqual(['a', 'b']);
    expect(valuesOf(seen(), 'x-other')).toEqual([]);
    expect(valuesOf(seen(), 'x-roles')).toEqual(['kept']);
    guarded.answers = () => YES();
    await send('/a', spoofed);
    expect(seen().raw).not.toContain('root');
  });

  test('nor on another route to the same upstream', async () => {
    await send('/open', ['X-User: root', 'X-Roles: kept']);
    expect(seen().raw).not.toContain('root');
    expect(valuesOf(seen(), 'x-roles')).toEqual(['kept']);
    await send('/apart', ['X-User: of-somebody-else']);
    expect(valuesOf(seen(), 'x-user')).toEqual(['of-somebody-else']);
  });

  test('passes bytes beyond ASCII as they are', async () => {
    guarded.answers = () => YES([`X-User: J\xc3\xb6rg \xff`]);
    await send('/a', ['A: x\xc3\xbcy']);
    expect(valueOf(seen(), 'x-user')).toBe('J\xc3\xb6rg \xff');
    expect(valueOf(seen(), 'a')).toBe('x\xc3\xbcy');
    await send('/a', ['Cookie: a=\xc3\xbcy']);
    expect(valueOf(asked(), 'cookie')).toBe('a=\xc3\xbcy');
  });

  test('has the client told what it says of a no', async () => {
    guarded.answers = () =>
      NO(['WWW-Authenticate: Basic realm="x"', 'X-Secret: s', 'Set-Cookie: a=1', 'Set-Cookie: b=2']);
    const answer = await send('/a');
    expect(answer.startLine).toBe('HTTP/1.1 401 Unauthorized');
    expect(valuesOf(answer, 'www-authenticate')).toEqual(['Basic realm="x"']);
    expect(valuesOf(answer, 'set-cookie')).toEqual(['a=1', 'b=2']);
    expect(valuesOf(answer, 'content-type')).toEqual(['text/plain']);
    expect(valuesOf(answer, 'content-length')).toEqual(['3']);
    expect(valuesOf(answer, 'x-secret')).toEqual([]);
    expect(answer.body).toBe('no\n');
    expect(valueOf(answer, 'x-request-id')).toBeTruthy();
  });

  test('has it sent to where it can log in', async () => {
    guarded.answers = () =>
      answerText('', ['Location: https://login/?x=\xc3\xbc', 'Cache-Control: no-store'], '302 Found');
    const answer = await send('/a');
    expect(statusOf(answer)).toBe(302);
    expect(valueOf(answer, 'location')).toBe('https://login/?x=\xc3\xbc');
    expect(valueOf(answer, 'cache-control')).toBe('no-store');
  });

  test('has HEAD told the same without the body', async () => {
    guarded.answers = () => NO();
    const answer = await send('/a', [], 'HEAD');
    expect([statusOf(answer), valueOf(answer, 'content-length'), answer.body]).toEqual([401, '3', '']);
  });

  test('may answer in bytes of any kind, up to 64 KiB', async () => {
    const all = String.fromCharCode(...Array.from({ length: 256 }, (_none, i) => i));
    guarded.answers = () => answerText(all.repeat(256), ['Content-Encoding: br'], '403 Forbidden');
    const answer = await send('/a');
    expect(answer.body === all.repeat(256)).toBe(true);
    expect(valueOf(answer, 'content-encoding')).toBe('br');
    guarded.answers = () => answerText(`${all.repeat(256)}x`, ['Content-Type: a/b', 'Set-Cookie: c'], '403 Forbidden');
    const longer = await send('/a');
    expect([statusOf(longer), longer.body, valueOf(longer, 'content-length')]).toEqual([403, '', '0']);
    expect([valuesOf(longer, 'content-type'), valuesOf(longer, 'set-cookie')]).toEqual([[], ['c']]);
  });

  test.each([
    ['500 Internal Server Error'],
    ['404 Not Found'],
    ['400 Bad Request'],
    ['429 Too Many Requests'],
    ['304 Not Modified'],
    ['300 Multiple Choices'],
  ])('that answers %s has said nothing', async (status) => {
    guarded.answers = () => answerText('x', [], status);
    const before = guarded.upstream.requests.length;
    const answer = await send('/a', [secret]);
    expect([statusOf(answer), code(answer)]).toEqual([503, 'authorizer_unavailable']);
    expect(valuesOf(answer, 'retry-after')).toEqual(['1']);
    expect(guarded.upstream.requests).toHaveLength(before);
  });

  test.each([
    ['something else than HTTP', 'hello\r\n\r\n'],
    ['with two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 1\r\n\r\n'],
    ['with a field that is folded', 'HTTP/1.1 200 OK\r\nX-User: a\r\n b\r\nContent-Length: 0\r\n\r\n'],
    ['with a bare line feed', 'HTTP/1.1 200 OK\nX-User: root\n\n'],
  ])('that answers %s has said nothing', async (_how, text) => {
    guarded.answers = () => text;
    const answer = await send('/a', [secret]);
    expect([statusOf(answer), code(answer)]).toEqual([503, 'authorizer_unavailable']);
  });

  test('a field that is told stands there once', async () => {
    guarded.answers = () => YES();
    const asks = guarded.authorizer.requests.length;
    expect(statusOf(await send('/a', [secret, 'authorization: Basic x']))).toBe(400);
    expect(guarded.authorizer.requests).toHaveLength(asks);
    expect(statusOf(await send('/a', ['Cookie: a', 'Cookie: b']))).toBe(200);
    expect(valuesOf(asked(), 'cookie')).toEqual(['a', 'b']);
  });

  test('the log says what it said, the metrics how often, and neither what it was told', async () => {
    guarded.answers = () => YES();
    await send('/a/logged', [secret]);
    guarded.answers = () => NO();
    await send('/a/refused', [secret]);
    guarded.answers = () => answerText('', [], '500 No');
    await send('/a/unavailable', [secret]);
    const line = (path: string) => guarded.gateway.waitForLog((each) => each['path'] === path);
    expect(await line('/a/logged')).toMatchObject({ authorizer: 'granted', outcome: 'ok', status: 200 });
    expect(await line('/a/refused')).toMatchObject({ authorizer: 'denied', outcome: 'authorizer_denied', status: 401 });
    expect(await line('/a/unavailable')).toMatchObject({
      authorizer: 'unavailable',
      outcome: 'authorizer_unavailable',
    });
    expect(JSON.stringify(guarded.gateway.log)).not.toContain('s3cret');
    const { body } = await get(guarded.gateway.adminPort, '/metrics');
    expect(body).toMatch(/authorizer_decisions_total\{route="a",outcome="granted"\} [1-9]/);
    expect(body).toMatch(/authorizer_decisions_total\{route="a",outcome="denied"\} [1-9]/);
    expect(body).toMatch(/authorizer_decisions_total\{route="a",outcome="unavailable"\} [1-9]/);
    expect(body).not.toContain('authorizer_decisions_total{route="open"');
    expect(body).toMatch(/upstream_request_duration_seconds_count\{upstream="authorizer:http:127.0.0.1:\d+"\} [1-9]/);
  });
});

describe('who says himself who he is', () => {
  test('does not by a name that some take for the field, nor behind his body', async () => {
    await using guarded = await startGuarded('copy: [x-user]', { front: 'native', env: { AMBIGUOUS_FIELDS: 'pass' } });
    guarded.answers = () => YES(['X-User: anna']);
    const fields = ['X_User: root', 'X.User: root', 'X_Kept: kept', 'Transfer-Encoding: chunked', 'Trailer: X-User'];
    for (const target of ['/a', '/open']) {
      const body = '5\r\nhello\r\n0\r\nX-User: root\r\nX_User: root\r\nX-Sum: 1\r\n\r\n';
      expect(statusOf(await ask(guarded.port, requestText('POST', target, fields) + body))).toBe(200);
      const seen = guarded.upstream.requests.at(-1) as Message;
      expect(seen.raw).not.toContain('root');
      expect(valuesOf(seen, 'x_kept')).toEqual(['kept']);
      expect([seen.body, seen.trailers]).toEqual(['hello', [['X-Sum', '1']]]);
    }
  });

  test('does not by having it taken for a field of the connection', async () => {
    await using guarded = await startGuarded('copy: [x-user]');
    guarded.answers = (request) => (valueOf(request, 'authorization') === undefined ? NO() : YES(['X-User: anna']));
    const drop = 'Connection: authorization, x-user';
    expect(statusOf(await ask(guarded.port, requestText('GET', '/a', [secret, drop])))).toBe(401);
    expect(statusOf(await ask(guarded.port, requestText('GET', '/a', [secret, 'Connection: x-user'])))).toBe(200);
    expect(valuesOf(guarded.upstream.requests.at(-1) as Message, 'x-user')).toEqual(['anna']);
  });
});

describe('a no', () => {
  test('to a body in chunks is said when that has ended, and the connection goes on', async () => {
    await using guarded = await startGuarded('', { front: 'native' });
    guarded.answers = () => NO(['Set-Cookie: a=1']);
    using client = await rawClient(guarded.port);
    client.send(requestText('POST', '/a', ['Transfer-Encoding: chunked']));
    client.send('5\r\nhello\r\n');
    await until(() => guarded.authorizer.requests.length === 1);
    client.send('5\r\nhello\r\n0\r\n\r\n');
    const answer = await messageAt(client, 0);
    expect([statusOf(answer), answer.body, valuesOf(answer, 'set-cookie')]).toEqual([401, 'no\n', ['a=1']]);
    client.send(requestText('GET', '/open'));
    expect(statusOf(await messageAt(client, 1))).toBe(200);
  });

  test('reaches equal requests on one connection in their order', async () => {
    await using guarded = await startGuarded('timeout_seconds: 60', { front: 'native' });
    guarded.answers = () => '';
    using client = await rawClient(guarded.port);
    client.send(requestText('GET', '/a', [secret]).repeat(5) + requestText('GET', '/a', [secret, 'Connection: close']));
    await until(() => guarded.authorizer.requests.length === 1);
    guarded.authorizer.connections[0]?.send(NO());
    await client.closed();
    for (let n = 0; n < 6; n++) expect(statusOf(await messageAt(client, n))).toBe(401);
    expect(guarded.authorizer.requests).toHaveLength(1);
  });
});

describe('with others', () => {
  test('who has proved who he is is named to it; a credential that the gateway keeps it gets where it is told of it', async () => {
    const acme = aKey();
    await using guarded = await startGuarded('forward: [x-api-key]', {
      route: ', authenticate: [api_key], authenticate_query: k',
      more: `consumers: { acme: { groups: [b2b], keys: [${acme.yaml}] } }`,
    });
    const send = (target: string, fields: readonly string[]): Promise<Message> =>
      ask(guarded.port, requestText('GET', target, fields));
    expect(statusOf(await send('/a', ['X-Api-Key: wrong', 'X-Consumer-Id: root']))).toBe(401);
    expect(guarded.authorizer.requests).toEqual([]);
    expect(statusOf(await send('/a', [`X-Api-Key: ${acme.key}`, 'X-Consumer-Id: root']))).toBe(200);
    const [first] = guarded.authorizer.requests as [Message];
    expect(valuesOf(first, 'x-consumer-id')).toEqual(['acme']);
    expect(valuesOf(first, 'x-consumer-groups')).toEqual(['b2b']);
    expect(valuesOf(first, 'x-api-key')).toEqual([acme.key]);
    expect(guarded.upstream.requests.at(-1)?.raw).not.toContain(acme.key);
    expect(statusOf(await send(`/a/q?k=${acme.key}&b=1`, []))).toBe(200);
    expect(guarded.authorizer.requests.at(-1)?.raw).not.toContain(acme.key);
    expect(valueOf(guarded.authorizer.requests.at(-1) as Message, 'x-forwarded-uri')).toBe('/a/q?b=1');
  });

  test('who is limited does not reach it', async () => {
    await using guarded = await startGuarded('cache_seconds: 0, negative_cache_seconds: 0', {
      route: ', limits: [{ capacity: 2, refill_per_second: 0.001 }]',
    });
    guarded.answers = () => NO();
    const statuses: number[] = [];
    for (let n = 0; n < 4; n++) statuses.push((await get(guarded.port, '/a')).status);
    expect(statuses).toEqual([401, 401, 429, 429]);
    expect(guarded.authorizer.requests).toHaveLength(2);
  });

  test('a trusted proxy in front says who the client is; what it claims beside is not told twice', async () => {
    await using guarded = await startGuarded('', { env: { TRUSTED_PROXIES: '127.0.0.1' } });
    const fields = ['X-Forwarded-For: 9.9.9.9', 'X-Forwarded-Proto: https', 'X-Forwarded-Host: shop.test'];
    await ask(
      guarded.port,
      requestText('GET', '/a', [...fields, 'X-Forwarded-Uri: /other', 'X-Forwarded-Method: PUT']),
    );
    const [asked] = guarded.authorizer.requests as [Message];
    for (const [name, value] of [
      ['x-forwarded-for', '9.9.9.9, 127.0.0.1'],
      ['x-real-ip', '9.9.9.9'],
      ['x-forwarded-proto', 'https'],
      ['x-forwarded-host', 'shop.test'],
      ['x-forwarded-uri', '/a'],
      ['x-forwarded-method', 'GET'],
    ] as const)
      expect([name, valuesOf(asked, name)]).toEqual([name, [value]]);
  });

  test('a reload changes whom it asks, and what was said before holds no longer', async () => {
    await using guarded = await startGuarded('cache_seconds: 3600');
    const send = async (): Promise<number> => statusOf(await ask(guarded.port, requestText('GET', '/a', [secret])));
    expect([await send(), await send()]).toEqual([200, 200]);
    guarded.answers = () => NO();
    expect(await send()).toBe(200);
    await guarded.reload('cache_seconds: 3599');
    expect(await send()).toBe(401);
    expect(guarded.authorizer.requests).toHaveLength(2);
  });
});
