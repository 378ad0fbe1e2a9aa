import { describe, expect, test } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import { answerText, ask, recordingUpstream, requestText, statusOf } from '../support/http.ts';
import { rawClient } from '../support/raw.ts';
import type { RawConnection } from '../support/raw.ts';
import { eventually } from '../support/wait.ts';
import { scrape } from './scrape.ts';
import type { Scrape } from './scrape.ts';

const NO_REFILL = 'refill_per_second: 0.001';

/** What was sent and what came of it, as the client saw it. */
interface Sent {
  readonly route: string;
  readonly method: string;
  /** 0 = the client left before. */
  readonly status: number;
}

/** How many of them there were, by the values of these keys with a space between. */
function countBy(sent: readonly Sent[], key: (each: Sent) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const each of sent) counts[key(each)] = (counts[key(each)] ?? 0) + 1;
  return counts;
}

const seriesOf = ({ route, method }: Sent): string => `${route} ${method}`;

function expectCounted(seen: Scrape, sent: readonly Sent[]): void {
  const series = ['route', 'method'];
  expect(seen.by('http_requests_total', series)).toEqual(countBy(sent, seriesOf));
  const of = (takes: (status: number) => boolean) => sent.filter(({ status }) => takes(status));
  expect(seen.by('http_requests_5xx_total', series)).toEqual(
    countBy(
      of((status) => status >= 500),
      seriesOf,
    ),
  );
  expect(seen.by('http_requests_429_total', series)).toEqual(
    countBy(
      of((status) => status === 429),
      seriesOf,
    ),
  );
  expect(seen.by('http_responses_total', ['route', 'status_class'])).toEqual(
    countBy(sent, ({ route, status }) => `${route} ${status === 0 ? 'none' : `${Math.floor(status / 100)}xx`}`),
  );
  expect(seen.by('http_request_duration_seconds_count', ['route'])).toEqual(countBy(sent, ({ route }) => route));
}

/** Answers by path; whatever else is asked for gets an empty 200. */
function answering(path: string, connection: RawConnection): string {
  switch (path) {
    case '/missing':
      return answerText('not here', [], '404 Not Found');
    case '/failing':
      return answerText('oh', [], '500 Internal Server Error');
    case '/busy':
      return answerText('', [], '503 Service Unavailable');
    case '/garbage':
      return 'this is not HTTP\r\n\r\n';
    case '/silent':
      return '';
    case '/half':
      return 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf';
    case '/cut':
      connection.socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf');
      return '';
    default:
      return answerText('fine');
  }
}

test('every request is counted once, however it ends', async () => {
  await using upstream = await recordingUpstream(({ startLine }, connection) =>
    answering((startLine.split(' ')[1] ?? '').replace(/^\/(?:api|short)/, ''), connection),
  );
  const nobody = await recordingUpstream();
  await nobody[Symbol.asyncDispose]();
  await using gateway = await startGateway({
    env: { ACCESS_LOG: 'off', GATEWAY_TEST_FAULTS: 'on', RATE_LIMIT_HEADERS: 'off' },
    yaml: `
upstreams:
  demo: { url: "http://127.0.0.1:${upstream.port}", circuit_breaker: { mode: off } }
  dead: { url: "http://127.0.0.1:${nobody.port}", circuit_breaker: { failure_threshold: 2 } }
routes:
  - { name: api, path: /api, upstream: demo, limits: [], max_body_bytes: 1000 }
  - { name: short, path: /short, upstream: demo, limits: [], timeouts: { response_headers_seconds: 0.3 } }
  - { name: few, path: /few, upstream: demo, limits: [{ capacity: 2, ${NO_REFILL} }] }
  - { name: tried, path: /tried, upstream: demo, shadow: true, limits: [{ name: tight, capacity: 1, ${NO_REFILL} }] }
  - { name: dead, path: /dead, upstream: dead, limits: [] }
`,
  });
  const sent: Sent[] = [];
  let bodyBytes = 0;
  const send = async (route: string, text: string, method = text.split(' ')[0] ?? ''): Promise<number> => {
    const answer = await ask(gateway.port, text);
    sent.push({ route, method, status: statusOf(answer) });
    if (route === 'few') bodyBytes += answer.body.length;
    return statusOf(answer);
  };
  const all = async (route: string, ...texts: readonly string[]): Promise<number[]> => {
    const statuses: number[] = [];
    for (const text of texts) statuses.push(await send(route, text));
    return statuses;
  };
  const get = (path: string): string => requestText('GET', path);

  expect(await all('api', get('/api/ok'), requestText('HEAD', '/api/ok'), get('/api/missing'))).toEqual([
    200, 200, 404,
  ]);
  expect(await all('api', get('/api/failing'), get('/api/busy'))).toEqual([500, 503]);
  expect(await send('api', get('/api/garbage'))).toBe(502);
  expect(await send('short', get('/short/silent'))).toBe(504);
  for (const method of ['PUT', 'PATCH', 'DELETE', 'OPTIONS']) await send('api', requestText(method, '/api/ok'));
  await send('api', requestText('PROPFIND', '/api/ok'), 'other');
  const upload = requestText('POST', '/api/ok', ['Content-Length: 10']) + '0123456789';
  const chunked = requestText('POST', '/api/ok', ['Transfer-Encoding: chunked']) + '5\r\nabcde\r\n0\r\n\r\n';
  const tooLong = requestText('POST', '/api/ok', ['Content-Length: 1001']) + 'x'.repeat(1001);
  expect(await all('api', upload, upload, chunked, tooLong)).toEqual([200, 200, 200, 413]);
  expect(await all('few', get('/few'), get('/few'), get('/few'), get('/few'))).toEqual([200, 200, 429, 429]);
  expect(await all('tried', get('/tried'), get('/tried'), get('/tried'))).toEqual([200, 200, 200]);
  expect(await all('dead', get('/dead'), get('/dead'), get('/dead'))).toEqual([502, 502, 503]);
  expect(await all('(none)', get('/nowhere'), get('/api/%zz'))).toEqual([404, 400]);
  expect(await send('(none)', requestText('TRACE', '/api/ok'), 'other')).toBe(405);
  expect(await send('(none)', requestText('GET', '/api/ok', ['X-Gateway-Test-Fault: throw']), 'other')).toBe(500);
  const probes = [get('/health'), requestText('HEAD', '/ready'), requestText('POST', '/health', ['Content-Length: 0'])];
  expect(await all('(probe)', ...probes)).toEqual([200, 200, 405]);

  // The client leaves: before the answer, in the middle of it, in the middle of its own body.
  const leaving: readonly [text: string, gone: (client: RawConnection) => Promise<unknown>, status: number][] = [
    [get('/api/silent'), () => eventually(() => asked('/api/silent') === 1, 'it is at the upstream'), 0],
    [get('/api/half'), (client) => client.until('half'), 200],
    [
      `${requestText('POST', '/api/upload', ['Transfer-Encoding: chunked'])}5\r\nbegun\r\n`,
      () => eventually(() => upstream.connections.some((each) => each.received().includes('begun')), 'it has begun'),
      0,
    ],
  ];
  const asked = (path: string): number =>
    upstream.requests.filter(({ startLine }) => startLine.includes(` ${path} `)).length;
  for (const [text, gone, status] of leaving) {
    using client = await rawClient(gateway.port);
    client.send(text);
    await gone(client);
    client.socket.resetAndDestroy(); // a FIN alone may come from a client that waits
    sent.push({ route: 'api', method: text.split(' ')[0] ?? '', status });
  }
  // And the upstream leaves in the middle of its answer.
  using client = await rawClient(gateway.port);
  client.send(get('/api/cut'));
  await client.closed();
  sent.push({ route: 'api', method: 'GET', status: 200 });

  await eventually(async () => (await scrape(gateway)).sum('http_requests_total') >= sent.length, 'all are counted');
  const seen = await scrape(gateway);
  expectCounted(seen, sent);

  expect(seen.sum('http_request_body_bytes_total', { route: 'api' })).toBe(10 + 10 + 5 + 'begun'.length);
  expect(seen.sum('http_response_body_bytes_total', { route: 'few' })).toBe(bodyBytes);
  expect(seen.sum('http_connections_accepted_total')).toBe(sent.length);

  // The one that its client broke off never was a whole request to the upstream.
  const written = upstream.requests.length + 1;
  expect(seen.sum('upstream_requests_total', { upstream: 'demo' })).toBe(written);
  expect(seen.sum('upstream_responses_total', { upstream: 'demo' })).toBe(written);
  expect(seen.by('upstream_responses_total', ['upstream', 'status_class'])).toMatchObject({
    'demo 4xx': 1,
    'demo 5xx': 2,
    'demo none': 4, // garbage, two that were silent, the upload
  });
  expect(seen.sum('upstream_request_duration_seconds_count')).toBe(written - 4);
  expect(seen.sum('upstream_connect_failures_total', { upstream: 'dead' })).toBe(2);
  expect(seen.sum('circuit_breaker_refused_total', { upstream: 'dead' })).toBe(1);
  expect(seen.by('rate_limit_decisions_total', ['rule', 'mode', 'outcome'])).toEqual({
    'few store granted': 2,
    'few store refused': 2,
    'tight shadow granted': 1,
    'tight shadow refused': 2,
  });
});

test('a request that a closing connection swallowed is written twice, and counted once', async () => {
  let swallowed = false;
  await using upstream = await recordingUpstream(({ startLine }, connection) => {
    if (!startLine.includes('/again') || swallowed) return answerText('fine');
    swallowed = true;
    connection.socket.destroy();
    return '';
  });
  await using gateway = await startGateway({
    env: { UPSTREAM_URL: `http://127.0.0.1:${upstream.port}`, ACCESS_LOG: 'off' },
  });
  for (const path of ['/proxy/ok', '/proxy/again']) {
    expect(statusOf(await ask(gateway.port, requestText('GET', path)))).toBe(200);
  }
  const seen = await scrape(gateway);
  expect(seen.sum('http_requests_total')).toBe(2);
  expect(seen.sum('upstream_requests_total')).toBe(3);
  expect(seen.sum('upstream_retries_total')).toBe(1);
  expect(seen.by('upstream_responses_total', ['status_class'])).toEqual({ '2xx': 2, none: 1 });
  await eventually(
    async () => (await scrape(gateway)).by('upstream_connections', ['state'])['idle'] === 1,
    'one connection rests',
  );
});

describe('threads that die', () => {
  test('and are replaced, even in the same slot: no counter falls, and all is counted', async () => {
    await using upstream = await recordingUpstream(() => answerText('fine'));
    await using gateway = await startGateway({
      env: {
        UPSTREAM_URL: `http://127.0.0.1:${upstream.port}`,
        ACCESS_LOG: 'off',
        GATEWAY_TEST_FAULTS: 'on',
        RATE_LIMIT_CAPACITY: '1000000',
      },
    });
    let sent = 0;
    let before = await scrape(gateway);
    const serves = (): number => gateway.log.filter(({ msg }) => msg === 'request thread serves').length;
    const slots = (): unknown[] =>
      gateway.log.filter(({ msg }) => msg === 'request thread serves').map(({ thread }) => thread);
    // One thread at a time takes the lowest slot that is free, so the third is where the first was.
    for (let death = 1; death <= 3; death++) {
      for (let i = 0; i < 20; i++, sent++) await ask(gateway.port, requestText('GET', '/proxy/ok'));
      expect(
        statusOf(await ask(gateway.port, requestText('GET', '/proxy/x', ['X-Gateway-Test-Fault: throw-later']))),
      ).toBe(200);
      sent++;
      const ended = (): number => gateway.log.filter(({ msg }) => msg === 'request thread ended').length;
      await eventually(
        async () => {
          const now = await scrape(gateway);
          expect(now.fallenSince(before)).toEqual([]);
          before = now;
          return serves() === death + 1 && ended() === death;
        },
        'the next thread serves and the old one is gone',
        15_000,
      );
      expect(before.sum('http_requests_total')).toBe(sent);
    }
    expect(new Set(slots()).size).toBeLessThan(slots().length);
    expect(before.sum('rate_limit_decisions_total')).toBe(sent);
    expect(before.sum('upstream_requests_total')).toBe(upstream.requests.length);
  });
});
