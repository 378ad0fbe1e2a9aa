import { describe, expect, it } from 'vitest';
import { ask, requestText, statusOf } from '../support/http.ts';
import { FRONTS } from '../support/fronts.ts';
import { startPair } from '../support/pair.ts';
import { rawClient } from '../support/raw.ts';
import { lastAnswer } from './setup.ts';

const CHUNKED = `${requestText('POST', '/proxy/chunked', ['Transfer-Encoding: chunked'])}5\r\nhello\r\n0\r\n\r\n`;

describe.runIf(FRONTS.includes('uws'))('what FRONT=uws does in its own way', () => {
  it('a chunked request body is refused with 411, and nothing behind it is read', async () => {
    await using pair = await startPair({ front: 'uws' });
    using client = await rawClient(pair.port);
    client.send(CHUNKED);
    expect(statusOf(await lastAnswer(client))).toBe(411);
    using two = await rawClient(pair.port);
    two.send(CHUNKED + requestText('GET', '/proxy/behind'));
    await two.closed();
    expect(statusOf(await ask(pair.port, requestText('GET', '/proxy/good')))).toBe(200);
    expect(pair.upstream.requests.map(({ startLine }) => startLine)).toEqual(['GET /good HTTP/1.1']);
  });

  it('UWS_CHUNKED=on takes it, for those who know their clients', async () => {
    await using pair = await startPair({ front: 'uws', env: { UWS_CHUNKED: 'on' } });
    expect(statusOf(await ask(pair.port, CHUNKED))).toBe(200);
    expect(pair.requestsFor('/chunked').map(({ body }) => body)).toEqual(['hello']);
  });
});
