import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerText, ask, requestText, valueOf, valuesOf } from '../support/http.ts';
import type { Message } from '../support/http.ts';
import { startPair } from '../support/pair.ts';
import type { Pair } from '../support/pair.ts';
import { rawClient } from '../support/raw.ts';

let pair: Pair;
beforeAll(async () => {
  pair = await startPair();
});
afterAll(() => pair[Symbol.asyncDispose]());

let made = 0;
/** Sends the fields with a GET; resolves with what the upstream got and what the client got. */
async function exchange(fields: readonly string[], answerFields: readonly string[] = []) {
  const path = `/rules/${made++}`;
  pair.answers.set(path, () => answerText('body', answerFields));
  const answer = await ask(pair.port, requestText('GET', `/proxy${path}`, fields));
  const [request] = pair.requestsFor(path);
  if (request === undefined) throw new Error(`nothing reached the upstream: ${answer.raw}`);
  return { request, answer };
}
const names = (message: Message) => message.fields.map(([name]) => name.toLowerCase());

describe('fields of the request', () => {
  it('end-to-end fields go on in order, with their values byte for byte', async () => {
    const { request } = await exchange([
      'X-B: 1',
      'Accept: */*;q=0.1',
      'X-A:  spaced  out ',
      'Cookie: a=b; c="d"',
      'X-Empty:',
    ]);
    expect(request.fields.slice(1, 6)).toEqual([
      ['X-B', '1'],
      ['Accept', '*/*;q=0.1'],
      ['X-A', 'spaced  out'],
      ['Cookie', 'a=b; c="d"'],
      ['X-Empty', ''],
    ]);
  });

  it('hop-by-hop fields, and those that Connection names, stay here', async () => {
    const { request } = await exchange([
      'Connection: keep-alive, X-Named , upgrade',
      'Keep-Alive: timeout=5',
      'Proxy-Connection: keep-alive',
      'Proxy-Authorization: Basic abc',
      'Upgrade: h2c',
      'HTTP2-Settings: abc',
      'Trailer: X-T',
      'X-Named: secret',
      'Connection: x-second',
      'X-Second: secret',
      'X-Stays: yes',
    ]);
    expect(valueOf(request, 'x-stays')).toBe('yes');
    expect(names(request)).toEqual([
      'host',
      'x-stays',
      'x-forwarded-for',
      'x-real-ip',
      'x-forwarded-proto',
      'x-forwarded-host',
      'x-request-id',
      'via',
    ]);
  });

  it('a client cannot have the gateway’s own fields removed by naming them in Connection', async () => {
    const { request } = await exchange(['Connection: close, host, via, x-forwarded-for, x-request-id, content-length']);
    for (const name of ['host', 'via', 'x-forwarded-for', 'x-request-id']) expect(valueOf(request, name)).toBeTruthy();
  });

  it.each([
    ['trailers', 'trailers'],
    ['gzip, trailers;q=0.5', 'trailers'],
    ['gzip', undefined],
  ])('TE: %s goes on as %s', async (sent, expected) => {
    const { request } = await exchange([`TE: ${sent}`]);
    expect(valueOf(request, 'te')).toBe(expected);
  });

  it('Host is the upstream’s', async () => {
    const { request } = await exchange([]);
    expect(valueOf(request, 'host')).toBe(`127.0.0.1:${pair.upstream.port}`);
  });

  it('Via is added, after what was there', async () => {
    const { request } = await exchange(['Via: 1.0 fred', 'Via: 1.1 p.example.net']);
    expect(valueOf(request, 'via')).toBe('1.0 fred, 1.1 p.example.net, 1.1 api-gateway');
  });

  it('traceparent and tracestate go on untouched', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const { request } = await exchange([`traceparent: ${traceparent}`, 'tracestate: a=1']);
    expect([valueOf(request, 'traceparent'), valueOf(request, 'tracestate')]).toEqual([traceparent, 'a=1']);
  });

  it('a sane X-Request-Id is kept and returned', async () => {
    const { request, answer } = await exchange(['X-Request-Id: abc-123:def/4']);
    expect(valueOf(request, 'x-request-id')).toBe('abc-123:def/4');
    expect(valueOf(answer, 'x-request-id')).toBe('abc-123:def/4');
  });

  it.each([
    ['none', []],
    ['spaces', ['X-Request-Id: a b']],
    ['quotes', ['X-Request-Id: "x"']],
    ['too long', [`X-Request-Id: ${'a'.repeat(129)}`]],
  ])('without a sane X-Request-Id (%s) a new one is made', async (_name, fields) => {
    const first = await exchange(fields);
    const second = await exchange(fields);
    const id = valueOf(first.request, 'x-request-id') ?? '';
    expect(id).toMatch(/^[\w-]{6,}$/);
    expect(valueOf(first.answer, 'x-request-id')).toBe(id);
    expect(valueOf(second.request, 'x-request-id')).not.toBe(id);
  });
});

describe('fields of the answer', () => {
  it('hop-by-hop fields, and those that Connection names, stay here', async () => {
    const { answer } = await exchange(
      [],
      [
        'Connection: keep-alive, X-Named',
        'Keep-Alive: timeout=5',
        'X-Named: secret',
        'Upgrade: h2c',
        'Proxy-Connection: x',
        'Trailer: a',
        'X-Stays: yes',
      ],
    );
    expect(valueOf(answer, 'x-stays')).toBe('yes');
    expect(names(answer).sort()).toEqual(['content-length', 'date', 'via', 'x-request-id', 'x-stays']);
  });

  it('names keep their case, values their bytes; only one Date, no Server of ours', async () => {
    const { answer } = await exchange([], ['ETag: W/"x"', 'Date: Thu, 01 Jan 1970 00:00:00 GMT', 'X-Pad:   a  b  ']);
    expect(answer.fields).toContainEqual(['ETag', 'W/"x"']);
    expect(answer.fields).toContainEqual(['X-Pad', 'a  b']);
    expect(valuesOf(answer, 'date')).toHaveLength(1);
    expect(answer.raw).not.toMatch(/uwebsockets/i);
  });

  it('one X-Request-Id, ours, also where the upstream echoes or makes one', async () => {
    const { answer } = await exchange(['X-Request-Id: mine'], ['X-Request-Id: theirs']);
    expect(valuesOf(answer, 'x-request-id')).toEqual(['mine']);
  });

  it('Via is added, after what was there', async () => {
    const { answer } = await exchange([], ['Via: 1.1 inner']);
    expect(valuesOf(answer, 'via').join(', ')).toBe('1.1 inner, 1.1 api-gateway');
  });

  it('Connection: close of the upstream closes its connection, not the client’s', async () => {
    pair.answers.set('/closes', () => answerText('x', ['Connection: close']));
    using client = await rawClient(pair.port);
    for (let i = 0; i < 3; i++) {
      client.send(requestText('GET', '/proxy/closes'));
      await client.when((text) => text.split('\r\n\r\nx').length === i + 2);
    }
    expect(client.received()).not.toMatch(/connection: close/i);
  });
});
