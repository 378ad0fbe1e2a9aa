import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { answerText, ask, messageAt, requestText, statusOf, valueOf } from '../support/http.ts';
import type { Message } from '../support/http.ts';
import { FORWARDING_ONLY, startPair } from '../support/pair.ts';
import type { Pair } from '../support/pair.ts';
import { rawClient, rawUpstream } from '../support/raw.ts';

let pair: Pair;
let lost: Gateway;
let refusingPort: number;
beforeAll(async () => {
  const gone = await rawUpstream();
  refusingPort = gone.port;
  await gone[Symbol.asyncDispose]();
  [pair, lost] = await Promise.all([
    startPair({ env: { FORWARD_INFORMATIONAL: 'off' } }),
    startGateway({
      env: FORWARDING_ONLY,
      yaml: `
upstreams:
  refusing: { url: "http://127.0.0.1:${refusingPort}" }
  nameless: { url: "http://no-such-host.invalid:80" }
routes:
  - { path: /refused, upstream: refusing }
  - { path: /nameless, upstream: nameless }
`,
    }),
  ]);
});
afterAll(() => Promise.all([pair[Symbol.asyncDispose](), lost[Symbol.asyncDispose]()]));

/** A refusal in problem+json that tells the client nothing of what lies behind the gateway. */
function expectProblem(answer: Message, status: number, code: string): void {
  expect([statusOf(answer), (JSON.parse(answer.body) as { code: string }).code]).toEqual([status, code]);
  expect(valueOf(answer, 'content-type')).toBe('application/problem+json');
  expect(answer.body).toMatch(/^\{[^\n]*\}\n$/);
  expect(answer.body).toContain(`"request_id":"${valueOf(answer, 'x-request-id')}"`);
  expect(answer.raw).not.toMatch(/127\.0\.0\.1|no-such-host|ECONN|ENOTFOUND|\bat .*:\d+/);
  expect(answer.raw).not.toContain(String(refusingPort));
  expect(answer.raw).not.toContain(String(pair.upstream.port));
}

let made = 0;
/** The answer to a request whose upstream does `reply`. */
async function answerTo(reply: (socket: Socket) => void, method = 'GET'): Promise<Message> {
  const path = `/fault/${made++}`;
  pair.answers.set(path, (_request, { socket }) => (reply(socket), ''));
  return await ask(pair.port, requestText(method, `/proxy${path}`));
}

describe('no connection', () => {
  it('refused', async () => {
    expectProblem(await ask(lost.port, requestText('GET', '/refused')), 502, 'upstream_refused');
  });

  it('a name that does not resolve', async () => {
    expectProblem(await ask(lost.port, requestText('GET', '/nameless')), 502, 'upstream_unresolved');
  });
});

describe('before the answer’s header', () => {
  it('the upstream closes', async () => {
    expectProblem(await answerTo((socket) => socket.end()), 502, 'upstream_reset');
  });

  it('the upstream resets', async () => {
    expectProblem(await answerTo((socket) => socket.resetAndDestroy()), 502, 'upstream_reset');
  });

  it('the upstream closes inside the header', async () => {
    expectProblem(await answerTo((socket) => socket.end('HTTP/1.1 200 OK\r\nX-')), 502, 'upstream_reset');
  });
});

const head = (...lines: readonly string[]): string => ['HTTP/1.1 200 OK', ...lines, '', ''].join('\r\n');
describe('not HTTP/1.1: 502, and the connection is not used again', () => {
  it.each([
    ['another protocol', '220 smtp.example ESMTP\r\n'],
    ['HTTP/2', 'HTTP/2 200\r\n\r\n'],
    ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
    ['a status below 100', 'HTTP/1.1 099 X\r\n\r\n'],
    ['length and chunked', `${head('Content-Length: 5', 'Transfer-Encoding: chunked')}0\r\n\r\n`],
    ['two lengths', `${head('Content-Length: 5', 'Content-Length: 6')}hello`],
    ['a list of lengths that differ', `${head('Content-Length: 5, 6')}hello`],
    ['a negative length', head('Content-Length: -1')],
    ['another coding', `${head('Transfer-Encoding: gzip')}x`],
    ['a bad chunk size', `${head('Transfer-Encoding: chunked')}zz\r\n`],
    ['a bad chunk end', `${head('Transfer-Encoding: chunked')}2\r\nabXX0\r\n\r\n`],
    ['a folded line', head('X-A: a', ' b')],
    ['space before the colon', head('X-A : a')],
    ['NUL in a value', head('X-A: a\0b')],
    ['a bare CR in a value', head('X-A: a\rSet-Cookie: b')],
    ['a bare LF as line end', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n'],
    ['101 that nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n'],
    ['endless 1xx', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(20)],
  ])('%s', async (_name, wire) => {
    let used = pair.upstream.connections[0];
    const path = `/bad/${made++}`;
    pair.answers.set(path, (_request, connection) => ((used = connection), wire));
    expectProblem(await ask(pair.port, requestText('GET', `/proxy${path}`)), 502, 'upstream_bad_response');
    await used?.closed();
  });
});

it('a header that is too large: 502, and the connection is not used again', async () => {
  const answer = await answerTo((socket) => socket.write(head(`X-Long: ${'x'.repeat(66_000)}`)));
  expectProblem(answer, 502, 'upstream_header_too_large');
});

it('a header of 64 KiB is passed on', async () => {
  const end = '\r\nContent-Length: 2\r\n\r\n';
  const start = 'HTTP/1.1 200 OK\r\nX-Long: ';
  const long = 'x'.repeat(65_536 - start.length - end.length);
  const answer = await answerTo((socket) => socket.write(`${start}${long}${end}hi`));
  expect([statusOf(answer), valueOf(answer, 'x-long'), answer.body]).toEqual([200, long, 'hi']);
});

it.each([
  ['repeated', head('Content-Length: 5', 'Content-Length: 5')],
  ['in a list', head('Content-Length: 5, 5 ,5')],
])('a length that is %s, always the same, is taken', async (_name, wire) => {
  const answer = await answerTo((socket) => socket.write(`${wire}hello`));
  expect([statusOf(answer), valueOf(answer, 'content-length'), answer.body]).toEqual([200, '5', 'hello']);
});

describe('after the answer’s header: the client’s connection is cut, never ended as if whole', () => {
  it.each([
    ['a body shorter than its length', `${head('Content-Length: 10')}five5`, /five5$/],
    ['chunks without their end', `${head('Transfer-Encoding: chunked')}5\r\nhello\r\n`, /5\r\nhello(\r\n)?$/],
    ['a bad chunk after a good one', `${head('Transfer-Encoding: chunked')}5\r\nhello\r\n`, /5\r\nhello(\r\n)?$/],
  ])('%s', async (name, first, end) => {
    const path = `/cut/${made++}`;
    pair.answers.set(path, (_request, { socket }) => {
      socket.write(first);
      return '';
    });
    using client = await rawClient(pair.port);
    client.send(requestText('GET', `/proxy${path}`));
    await client.until(end);
    const served = pair.upstream.connections.find((each) => each.received().includes(` ${path} `));
    if (name.startsWith('a bad')) served?.send('zz\r\n');
    else served?.socket.end();
    const text = await client.closed();
    expect(text).toMatch(end);
    expect(text).not.toMatch(/\r\n0\r\n\r\n$/);
  });

  it('a reset in an answer that ends with its connection does not look like its end', async () => {
    pair.answers.set('/cut-close', (_request, { socket }) => (socket.write('HTTP/1.1 200 OK\r\n\r\nhalf'), ''));
    using client = await rawClient(pair.port);
    client.send(requestText('GET', '/proxy/cut-close'));
    await client.until('half');
    pair.upstream.connections.find((each) => each.received().includes(' /cut-close '))?.socket.resetAndDestroy();
    expect(await client.closed()).not.toMatch(/\r\n0\r\n\r\n$/);
  });
});

it('the gateway’s own connection goes on after each failure', async () => {
  pair.answers.set('/reset', (_request, { socket }) => (socket.destroy(), ''));
  pair.answers.set('/fine', () => answerText('fine'));
  using client = await rawClient(pair.port);
  client.send(requestText('POST', '/proxy/reset', ['Content-Length: 1']) + 'x');
  expect(statusOf(await messageAt(client, 0))).toBe(502);
  client.send(requestText('GET', '/proxy/fine'));
  expect((await messageAt(client, 1)).body).toBe('fine');
});
