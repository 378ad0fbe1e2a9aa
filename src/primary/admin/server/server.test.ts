import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createLog } from '../../../shared/log.ts';
import { json } from '../contract/answer.ts';
import type { AnswerStream } from '../contract/answer.ts';
import { operation } from '../contract/operation.ts';
import type { AdminToken } from '../token/admin-tokens.ts';
import { startAdminServer } from './server.ts';
import type { AdminServer } from './server.ts';

let server: AdminServer;
const sent: string[] = [];
const streams: AnswerStream[] = [];
/** Called at each new stream. */
let onStream = (): void => {};

const operations = [
  operation({
    method: 'GET',
    path: '/metrics',
    id: 'metrics',
    summary: '',
    access: 'open',
    produces: 'text/plain',
    handle: () => json(200, 'm'),
  }),
  operation({ method: 'GET', path: '/admin/status', id: 'status', summary: '', handle: () => json(200, { ok: true }) }),
  operation({
    method: 'GET',
    path: '/admin/query',
    id: 'query',
    summary: '',
    parameters: { type: { in: 'query', description: '' } },
    handle: ({ query, caller }) => json(200, { type: query.get('type'), ...caller }),
  }),
  operation<{ name: string }>({
    method: 'PUT',
    path: '/admin/things/{thing}',
    id: 'setThing',
    summary: '',
    body: z.strictObject({ name: z.string() }),
    handle: ({ params, body }) => json(200, { thing: params['thing'], name: body.name }),
  }),
  operation({
    method: 'POST',
    path: '/admin/act',
    id: 'act',
    summary: '',
    handle: () => ({ ...json(202, {}), afterSent: () => void sent.push('act') }),
  }),
  operation({
    method: 'POST',
    path: '/admin/fault',
    id: 'fault',
    summary: '',
    handle: () => Promise.reject(new Error('told to fail')),
  }),
  operation({
    method: 'GET',
    path: '/admin/stream',
    id: 'stream',
    summary: '',
    handle: () => ({
      status: 200,
      type: 'text/plain',
      open: (stream) => {
        streams.push(stream);
        onStream();
      },
    }),
  }),
];

const TOKEN: AdminToken = { kind: 'made', token: 'secret', path: '/a' };
const BEARER = { authorization: 'Bearer secret' };

beforeAll(async () => {
  const log = createLog({ level: 'silent', name: 'test' });
  server = await startAdminServer({ host: '127.0.0.1', port: 0, operations, token: () => TOKEN, log });
});

afterAll(() => server.close());

/** Over a connection of its own: a kept one may be closed for its age just as it is used again. */
const ask = (path: string, init?: RequestInit): Promise<Response> => {
  const changes = !['GET', 'HEAD', 'OPTIONS'].includes(init?.method ?? 'GET');
  const own = init?.headers as Record<string, string> | undefined;
  const headers = { ...(changes ? BEARER : {}), ...own, connection: 'close' };
  return fetch(`http://127.0.0.1:${server.port}${path}`, { ...init, headers });
};

/** The answer is read at once: Node 24's fetch fails an assertion when a connection ends before its body has been read. */
async function put(body: string | Uint8Array<ArrayBuffer>, type = 'application/json'): Promise<Response> {
  const answer = await ask('/admin/things/a%2Fb', { method: 'PUT', body, headers: { 'content-type': type } });
  return new Response(await answer.arrayBuffer(), answer);
}

/** Sends the bytes as they are; everything that comes back until the server closes. */
async function raw(bytes: string): Promise<string> {
  const socket = connect(server.port, '127.0.0.1');
  let text = '';
  socket.on('data', (data: Buffer) => (text += data.toString()));
  socket.write(bytes);
  await once(socket, 'close');
  return text;
}

describe('the admin port', () => {
  test('answers', async () => {
    const res = await ask('/admin/status');
    expect(await res.text()).toBe('{"ok":true}\n');
    expect(res.headers.get('content-type')).toBe('application/json');
    expect(res.headers.get('cache-control')).toBe('no-store');
  });

  test('answers HEAD as GET without a body', async () => {
    const res = await ask('/admin/status', { method: 'HEAD' });
    expect([res.status, res.headers.get('content-length'), await res.text()]).toEqual([200, '12', '']);
    expect((await ask('/admin/stream', { method: 'HEAD' })).status).toBe(200);
    expect(streams).toEqual([]);
  });

  test('a path that is none: 404 with those that are', async () => {
    const res = await ask('/toString');
    expect([res.status, res.headers.get('content-type')]).toEqual([404, 'application/problem+json']);
    expect(await res.json()).toMatchObject({ code: 'not_found', paths: expect.arrayContaining(['/admin/status']) });
  });

  test('a method that the path does not take: 405 and Allow', async () => {
    const res = await ask('/admin/status', { method: 'DELETE' });
    expect([res.status, res.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    expect((await ask('/admin/act')).headers.get('allow')).toBe('POST');
    expect((await ask('/admin/status', { method: 'OPTIONS' })).status).toBe(405);
  });

  test('a failing call is a 500 that says nothing', async () => {
    const res = await ask('/admin/fault', { method: 'POST' });
    expect(res.status).toBe(500);
    expect(await res.text()).not.toContain('told to fail');
  });

  test('what is to follow an answer follows it, and also one that nobody reads', async () => {
    sent.length = 0;
    await (await ask('/admin/act', { method: 'POST' })).text();
    expect(sent).toEqual(['act']);
  });
});

describe('the query', () => {
  test('has what the call takes', async () => {
    expect(await (await ask('/admin/query?type=a%20b')).json()).toMatchObject({ type: 'a b', who: 'loopback' });
  });

  test('with anything else is refused, all at once', async () => {
    const res = await ask('/admin/query?type=a&type=b&other=1&more');
    expect(res.status).toBe(400);
    expect(await res.json()).toMatchObject({
      code: 'invalid_request',
      errors: [
        { path: 'type', expected: 'one value', got: '2 values' },
        { path: 'other', expected: 'only type', got: 'an unknown parameter' },
        { path: 'more', expected: 'only type', got: 'an unknown parameter' },
      ],
    });
    expect((await ask('/admin/status?x')).status).toBe(400);
  });
});

describe('the body', () => {
  test('is parsed and checked, as is the value in the path', async () => {
    expect(await (await put('{"name":"n"}')).json()).toEqual({ thing: 'a/b', name: 'n' });
    expect((await put('{"name":"n"}', 'application/json; charset=UTF-8')).status).toBe(200);
  });

  test('with everything that is wrong with it', async () => {
    const res = await put('{"name":1,"nickname":"x"}');
    expect(res.status).toBe(400);
    expect(await res.json()).toMatchObject({
      errors: [
        { path: 'name', expected: 'a string', got: '1' },
        { path: 'nickname', expected: 'no such member' },
      ],
    });
  });

  test.each(['{', 'name', '', ' '])('%j is refused', async (body) => {
    expect((await put(body)).status).toBe(400);
  });

  test('that is not UTF-8 is refused', async () => {
    expect((await put(new Uint8Array([0x22, 0xff, 0x22]))).status).toBe(400);
  });

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/json; charset=latin1',
    'application/jsonp',
  ])('as %s is refused', async (type) => {
    const res = await put('{"name":"n"}', type);
    expect([res.status, res.headers.get('accept')]).toEqual([415, 'application/json']);
  });

  test('that is compressed is refused', async () => {
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
    const res = await ask('/admin/things/x', { method: 'PUT', body: '{"name":"n"}', headers });
    expect(res.status).toBe(415);
  });

  test('may be 64 KiB and no more', async () => {
    const ofLength = (bytes: number): string => JSON.stringify({ name: 'n'.repeat(bytes - 11) });
    expect((await put(ofLength(65_536))).status).toBe(200);
    expect((await put(ofLength(65_537))).status).toBe(413);
    expect((await put(ofLength(900_000))).status).toBe(413);
    expect(
      (
        await put(ofLength(3_000_000)).then(
          ({ status }) => status,
          () => 'cut off',
        )
      ).toString(),
    ).toMatch(/413|cut/);
  });

  test('without end is cut off', async () => {
    const req = request({ port: server.port, method: 'PUT', path: '/admin/things/x', headers: BEARER });
    req.on('error', () => {});
    const over = new Promise((resolve) => {
      req.on('response', resolve);
      req.on('error', resolve);
    });
    let bytes = 0;
    const feed = (): void => {
      while (!req.destroyed && bytes < 50_000_000 && req.write('x'.repeat(65_536))) bytes += 65_536;
    };
    req.on('drain', feed);
    feed();
    await over;
    req.destroy();
    expect(bytes).toBeLessThan(50_000_000);
  });

  test('of a call that takes none may be an empty object', async () => {
    const post = (body: string, type = 'application/json'): Promise<Response> =>
      ask('/admin/act', { method: 'POST', body, headers: { 'content-type': type } });
    expect((await post('{}')).status).toBe(202);
    expect((await post('', 'application/x-www-form-urlencoded')).status).toBe(202);
    expect((await post('{}', 'text/plain')).status).toBe(415);
    expect(await (await post('{"force":true}')).json()).toMatchObject({ errors: [{ path: 'force' }] });
    expect((await post('[]')).status).toBe(400);
  });

  test('that was refused unread does not become the next request', async () => {
    const second = 'GET /admin/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
    const authorization = `Authorization: ${BEARER.authorization}`;
    const first = `POST /admin/nothing HTTP/1.1\r\nHost: localhost\r\n${authorization}\r\nContent-Length: ${second.length}\r\n\r\n`;
    const text = await raw(`${first}${second}${second}`);
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 404', 'HTTP/1.1 200']);
  });
});

describe('access', () => {
  test('a web page may not change anything, and reads the metrics all the same', async () => {
    const headers = { origin: 'https://evil.example', authorization: '' };
    expect((await ask('/admin/act', { method: 'POST', headers })).status).toBe(401);
    expect((await ask('/metrics', { headers })).status).toBe(200);
  });

  test('a name that was made to point here is not this machine', async () => {
    const from = (path: string): Promise<string> =>
      raw(`GET ${path} HTTP/1.1\r\nHost: evil.example:${server.port}\r\nConnection: close\r\n\r\n`);
    expect(await from('/admin/status')).toMatch(/^HTTP\/1\.1 403/);
    expect(await from('/admin/nothing')).toMatch(/^HTTP\/1\.1 403/);
    expect(await from('/metrics')).toMatch(/^HTTP\/1\.1 200/);
  });
});

describe('a stream', () => {
  test('goes on until it is ended, and tells when its reader has gone', async () => {
    const opened = new Promise<void>((resolve) => (onStream = resolve));
    const controller = new AbortController();
    const answer = ask('/admin/stream', { signal: controller.signal });
    await opened;
    const stream = streams.at(-1);
    stream?.write('one ');
    const reader = (await answer).body?.getReader();
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('one ');
    const closed = new Promise<void>((resolve) => stream?.onClose(resolve));
    controller.abort();
    await closed;
  });

  test('that is written to after its end, or after it was cut off, fails nothing else', async () => {
    const faults: unknown[] = [];
    const onFault = (error: unknown): void => void faults.push(error);
    process.on('uncaughtExceptionMonitor', onFault);
    for (const over of ['end', 'cut'] as const) {
      const opened = new Promise<void>((resolve) => (onStream = resolve));
      const answer = ask('/admin/stream').catch(() => undefined);
      await opened;
      const stream = streams.at(-1);
      stream?.[over]();
      stream?.write('late');
      await (await answer)?.text().catch(() => undefined);
    }
    process.off('uncaughtExceptionMonitor', onFault);
    expect(faults).toEqual([]);
  });
});
