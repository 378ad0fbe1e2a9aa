import { afterAll, beforeAll, expect } from 'vitest';
import { messageAt, requestText, statusOf, valueOf } from '../support/http.ts';
import type { Message } from '../support/http.ts';
import { describeFronts } from '../support/fronts.ts';
import { startPair } from '../support/pair.ts';
import type { Pair } from '../support/pair.ts';
import { rawClient } from '../support/raw.ts';
import { eventually } from '../support/wait.ts';
import { rulesOn } from './differences.ts';
import { freshPath, lastAnswer, settled } from './setup.ts';

const line = (text: string): string => `${text}\r\nHost: gateway.test\r\n\r\n`;
const get = (...fields: readonly string[]): string => requestText('GET', '/proxy/x', fields);
const post = (...fields: readonly string[]): string => requestText('POST', '/proxy/x', fields);
const withHosts = (...fields: readonly string[]): string => ['GET /proxy/x HTTP/1.1', ...fields, '', ''].join('\r\n');

interface Refusal {
  readonly name: string;
  readonly request: string;
  readonly status: number;
  readonly code: string;
  /** What the list of differences may know of it: the refusal, the same with more behind it, and that it is told. */
  readonly ids: readonly [refused: string, behind: string, told: string];
}

const REFUSED = 'refusals-close';
const BEHIND = 'refusals-before-more';
const TOLD = 'refusals-told';
const REFUSED_EARLY = 'parser-refusals-close';
const TOLD_EARLY = 'parser-refusals-told';

const same = (id: string): Refusal['ids'] => [id, id, id];

const all = (
  ids: Refusal['ids'],
  requests: Readonly<Record<string, string>>,
  [status, code]: readonly [number, string] = [400, 'bad_request'],
): Refusal[] => Object.entries(requests).map(([name, request]) => ({ name, request, status, code, ids }));

const REFUSALS: readonly Refusal[] = [
  // Each front reads enough of these to judge them itself.
  ...all([REFUSED, BEHIND, TOLD], {
    'two differing lengths': `${post('Content-Length: 5', 'Content-Length: 6')}hello`,
    'a coding that is not known': `${post('Transfer-Encoding: gzip, chunked')}0\r\n\r\n`,
    'chunked twice': `${post('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
    'an empty Host': withHosts('Host: '),
    'a Host with a path': withHosts('Host: a.example/b'),
    'a Host with user info': withHosts('Host: u@a.example'),
    'a Host with a bad port': withHosts('Host: a.example:http'),
    'DEL in a value': get('X-A: a\x7fb'),
    'a method that is no token': line('GE(T /proxy/x HTTP/1.1'),
    '# in the target': line('GET /proxy/x#y HTTP/1.1'),
    'a byte beyond ASCII in the target': line('GET /proxy/caf\xe9 HTTP/1.1'),
  }),
  // A parser that is not ours refuses these before we see them.
  ...all([REFUSED_EARLY, REFUSED_EARLY, TOLD_EARLY], {
    'length and chunked': `${post('Content-Length: 5', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
    'a length that is no number': `${post('Content-Length: five')}hello`,
    'a signed length': `${post('Content-Length: +5')}hello`,
    'a list of lengths': `${post('Content-Length: 5, 5')}hello`,
    'no Host': withHosts(),
    'two Hosts': withHosts('Host: a.example', 'Host: a.example'),
    'NUL in a value': get('X-A: a\0b'),
    'a control in a value': get('X-A: a\x01b'),
    'a bare LF behind a field': get('X-A: a\nX-B: b'),
    'a folded line': get('X-A: a', ' b'),
    'white space before the colon': get('X-A : a'),
    'a blank in a name': get('X A: a'),
    'a line without a colon': get('X-A'),
    'a byte beyond ASCII in a name': get('X-\xe9: a'),
  }),
  ...all(same('bare-line-ends'), {
    'a bare CR in a value': get('X-A: a\rb'),
    'bare LFs everywhere': 'GET /proxy/x HTTP/1.1\nHost: a\n\n',
  }),
  ...all(same('empty-name'), {
    'an empty name before the length': `${post(': x', 'Content-Length: 5')}hello`,
  }),
  ...all(same('coding-in-nbsp'), {
    'chunked between bytes that are no blanks': `${post('Transfer-Encoding: \xa0chunked\xa0')}0\r\n\r\n`,
  }),
  ...all(same('request-lines'), {
    'two blanks before the target': line('GET  /proxy/x HTTP/1.1'),
    'two blanks behind the target': line('GET /proxy/x  HTTP/1.1'),
    'a TAB before the target': line('GET\t/proxy/x HTTP/1.1'),
    'a blank at the end of the line': line('GET /proxy/x HTTP/1.1 '),
    'a blank before the method': line(' GET /proxy/x HTTP/1.1'),
    'no target': line('GET HTTP/1.1'),
    'no version': line('GET /proxy/x'),
    'half a version': line('GET /proxy/x HTTP/1'),
    'a version in lower case': line('GET /proxy/x http/1.1'),
    'a version of three numbers': line('GET /proxy/x HTTP/1.1.1'),
    'another protocol': line('GET /proxy/x RTSP/1.0'),
    'NUL in the target': line('GET /proxy/\0 HTTP/1.1'),
    'a target that is no path': line('GET proxy/x HTTP/1.1'),
    'GET with the target of OPTIONS': line('GET * HTTP/1.1'),
    'another protocol altogether': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n',
  }),
  ...all([REFUSED_EARLY, REFUSED_EARLY, TOLD_EARLY], { 'HTTP/2.0': line('GET /proxy/x HTTP/2.0') }, [
    505,
    'http_version_not_supported',
  ]),
  ...all(
    [REFUSED_EARLY, REFUSED_EARLY, TOLD_EARLY],
    { 'fields of 40 KB': get(...Array.from({ length: 40 }, (_, i) => `X-${i}: ${'a'.repeat(1_000)}`)) },
    [431, 'header_too_large'],
  ),
  ...all(
    [REFUSED, BEHIND, TOLD],
    { 'fields of 20 KB': get(...Array.from({ length: 20 }, (_, i) => `X-${i}: ${'a'.repeat(1_000)}`)) },
    [431, 'header_too_large'],
  ),
  ...all(
    [REFUSED_EARLY, REFUSED_EARLY, TOLD_EARLY],
    { '2,000 fields': get(...Array.from({ length: 2_000 }, () => 'a:b')) },
    [431, 'header_too_large'],
  ),
  ...all(same('long-targets'), { 'a target of 40 KB': line(`GET /proxy/${'x'.repeat(40 * 1024)} HTTP/1.1`) }, [
    414,
    'uri_too_long',
  ]),
];

const isOfTest = ({ startLine }: Message): boolean => !startLine.includes(' /settled ');

describeFronts('what is refused for what it is', (front) => {
  const rule = rulesOn(front);
  let pair: Pair;
  beforeAll(async () => {
    pair = await startPair({ front, env: { ACCESS_LOG: 'on' } });
  });
  afterAll(() => pair[Symbol.asyncDispose]());

  async function count(code: string): Promise<number> {
    const text = await (await fetch(`${pair.gateway.adminUrl}/metrics`)).text();
    const series = new RegExp(`^http_refused_total\\{[^}]*code="${code}"[^}]*\\} (\\d+)$`, 'm').exec(text);
    if (series === null) throw new Error(`no http_refused_total of ${code}`);
    return Number(series[1]);
  }
  async function refuse(request: string, behind = ''): Promise<Message> {
    using client = await rawClient(pair.port);
    client.send(request + behind);
    return await lastAnswer(client);
  }

  for (const { name, request, status, code, ids } of REFUSALS) {
    rule(ids[0], `${name}: ${status}, then a close`, async () => {
      const before = pair.upstream.requests.length;
      const answer = await refuse(request);
      expect([statusOf(answer), valueOf(answer, 'connection')?.toLowerCase()]).toEqual([status, 'close']);
      await settled(pair);
      expect(pair.upstream.requests.slice(before).filter(isOfTest)).toEqual([]);
    });

    rule(ids[1], `${name}, and a request behind it: the same, and nothing more is read`, async () => {
      const before = pair.upstream.requests.length;
      const answer = await refuse(request, requestText('GET', '/proxy/behind'));
      expect(statusOf(answer)).toBe(status);
      await settled(pair);
      expect(pair.upstream.requests.slice(before).filter(isOfTest)).toEqual([]);
    });

    rule(ids[2], `${name}: told to the client, counted and logged`, async () => {
      const before = await count(code);
      const answer = await refuse(request);
      expect(valueOf(answer, 'content-type')).toBe('application/problem+json');
      expect(JSON.parse(answer.body)).toMatchObject({ status, code });
      await eventually(async () => (await count(code)) === before + 1, `${code} counted once`);
      const id = valueOf(answer, 'x-request-id');
      const logged = await pair.gateway.waitForLog((each) => each['msg'] === 'exchange' && each['request_id'] === id);
      expect(logged).toMatchObject({ status, outcome: code });
    });
  }

  rule('refusals-behind', 'a request before the refused one has its answer first', async () => {
    const path = freshPath();
    using client = await rawClient(pair.port);
    client.send(requestText('GET', `/proxy${path}`) + withHosts('Host: a b') + requestText('GET', `/proxy${path}`));
    expect(statusOf(await messageAt(client, 0))).toBe(200);
    expect(statusOf(await messageAt(client, 1))).toBe(400);
    await client.closed();
    await settled(pair);
    expect(pair.requestsFor(path)).toHaveLength(1);
  });
});
