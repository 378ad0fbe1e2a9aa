import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerText, ask, requestText, statusOf, valueOf } from '../support/http.ts';
import { startPair } from '../support/pair.ts';
import type { Pair } from '../support/pair.ts';
import { rawClient } from '../support/raw.ts';

let pair: Pair;
beforeAll(async () => {
  pair = await startPair();
});
afterAll(() => pair[Symbol.asyncDispose]());

describe('methods', () => {
  it.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'M-SEARCH', 'X1', 'X_CUSTOM', 'get', 'Get'])(
    '%s reaches the upstream as it is, and its answer comes back',
    async (method) => {
      const path = `/methods/${method}`;
      pair.answers.set(path, () => answerText(`did ${method}`));
      const answer = await ask(pair.port, requestText(method, `/proxy${path}?q=1`));
      expect(answer.startLine).toBe('HTTP/1.1 200 OK');
      expect(answer.body).toBe(`did ${method}`);
      expect(pair.requestsFor(path).map((request) => request.startLine)).toEqual([`${method} ${path}?q=1 HTTP/1.1`]);
    },
  );

  it.each(['POST', 'PUT', 'PATCH'])('an empty %s says Content-Length: 0 to the upstream', async (method) => {
    const path = `/empty/${method}`;
    await ask(pair.port, requestText(method, `/proxy${path}`, ['Content-Length: 0']));
    const [request] = pair.requestsFor(path);
    expect(request && valueOf(request, 'content-length')).toBe('0');
    expect(request && valueOf(request, 'transfer-encoding')).toBeUndefined();
  });

  it.each(['GET', 'HEAD', 'DELETE', 'OPTIONS'])('%s without a body has no framing field', async (method) => {
    const path = `/bare/${method}`;
    await ask(pair.port, requestText(method, `/proxy${path}`));
    const [request] = pair.requestsFor(path);
    expect(request && valueOf(request, 'content-length')).toBeUndefined();
    expect(request && valueOf(request, 'transfer-encoding')).toBeUndefined();
  });

  it('the query goes on untouched, a second ? and bad escapes included', async () => {
    await ask(pair.port, requestText('GET', '/proxy/query?a=%2e%zz&b=../?c="d"'));
    expect(pair.requestsFor('/query')[0]?.startLine).toBe('GET /query?a=%2e%zz&b=../?c="d" HTTP/1.1');
  });

  it('TRACE is refused by the gateway', async () => {
    const answer = await ask(pair.port, requestText('TRACE', '/proxy/trace'));
    expect(statusOf(answer)).toBe(405);
    expect(JSON.parse(answer.body)).toMatchObject({ status: 405, code: 'method_not_allowed' });
    expect(valueOf(answer, 'allow')?.split(', ')).toEqual(expect.arrayContaining(['GET', 'POST', 'DELETE']));
    expect(pair.requestsFor('/trace')).toEqual([]);
  });

  it('CONNECT is refused and its connection closed', async () => {
    const before = pair.upstream.requests.length;
    using client = await rawClient(pair.port);
    client.send('CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n');
    expect(await client.closed()).toMatch(/^HTTP\/1.1 (4|5)\d\d /);
    expect(pair.upstream.requests.length).toBe(before);
  });
});
