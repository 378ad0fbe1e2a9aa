import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask, requestText, statusOf, valueOf, valuesOf } from '../support/http.ts';
import type { Message } from '../support/http.ts';
import { describeFronts } from '../support/fronts.ts';
import { startPair } from '../support/pair.ts';
import type { Pair } from '../support/pair.ts';
import { freshPath } from './setup.ts';

/** What only a proxy can know, and an address that no client of these tests has. */
const CLAIMS = [
  'X-Forwarded-For: 6.6.6.6',
  'X-Forwarded-Proto: https, http',
  'X-Forwarded-Host: shop.example, inner.example',
  'X-Forwarded-Port: 8443',
  'X-Forwarded-Prefix: /shop',
  'X-Forwarded-Ssl: on',
  'X-Forwarded-Server: edge.example',
  'X-Forwarded-Whatever: 6.6.6.6',
  'X-Real-IP: 6.6.6.6',
  'True-Client-IP: 6.6.6.6',
  'CF-Connecting-IP: 6.6.6.6',
  'Fastly-Client-IP: 6.6.6.6',
  'CloudFront-Viewer-Address: 6.6.6.6:1',
  'X-Original-URL: /admin?6.6.6.6',
  'X-Rewrite-URL: /admin?6.6.6.6',
  'Client-Cert: :6.6.6.6:',
  'Forwarded: for=6.6.6.6',
];
const UNSOUND = [
  'X-Forwarded-Host: a b<script>',
  'X-Forwarded-Proto: javascript',
  'X-Forwarded-Port: 80;script',
  'X-Forwarded-Prefix: //script.example',
  'X-Forwarded-Server: <script>',
  'True-Client-IP: <script>',
];

/** Names that CGI, WSGI and PHP take for those beside them. */
const LOOKALIKES = ['X_Forwarded_For: six', 'X_Real-IP: six', 'X.Api.Key: six', 'Content_Length: six', 'X_A: six'];

describeFronts('what a request says of its client', (front) => {
  let open: Pair;
  let behindProxy: Pair;
  let passing: Pair;
  beforeAll(async () => {
    [open, behindProxy, passing] = await Promise.all([
      startPair({ front }),
      startPair({ front, env: { TRUSTED_PROXIES: '127.0.0.1' } }),
      startPair({ front, env: { AMBIGUOUS_FIELDS: 'pass' } }),
    ]);
  });
  afterAll(async () => {
    for (const pair of [open, behindProxy, passing]) await pair[Symbol.asyncDispose]();
  });

  async function seen(pair: Pair, fields: readonly string[]): Promise<Message> {
    const path = freshPath();
    expect(statusOf(await ask(pair.port, requestText('GET', `/proxy${path}`, fields)))).toBe(200);
    const [request] = pair.requestsFor(path);
    if (request === undefined) throw new Error('nothing reached the upstream');
    return request;
  }

  test('of a stranger nothing reaches the upstream, which is told the truth', async () => {
    const request = await seen(open, ['A: 1', ...CLAIMS, 'B: 2']);
    expect(request.raw).not.toMatch(/6\.6\.6\.6|shop|edge\.example/);
    expect(request.raw).not.toMatch(/^X-Forwarded-(?:Port|Prefix|Ssl|Server|Whatever)/im);
    expect(
      ['x-forwarded-for', 'x-real-ip', 'x-forwarded-proto', 'a', 'b'].map((name) => valueOf(request, name)),
    ).toEqual(['127.0.0.1', '127.0.0.1', 'http', '1', '2']);
  });

  test('of a trusted proxy it does, but for X-Real-IP and Forwarded, which say what X-Forwarded-For says', async () => {
    const request = await seen(behindProxy, CLAIMS);
    const names = 'x-forwarded-for x-real-ip x-forwarded-proto x-forwarded-host x-forwarded-port forwarded'.split(' ');
    expect(names.map((name) => valueOf(request, name))).toEqual([
      '6.6.6.6, 127.0.0.1',
      '6.6.6.6',
      'https',
      'shop.example',
      '8443',
      undefined,
    ]);
    expect(request.raw).toMatch(/^true-client-ip: 6\.6\.6\.6\r$/im);
    expect(request.raw).toMatch(/^x-original-url: \/admin/im);
  });

  test.each(['HTTPS', 'https,http', ' , https', 'wss'])('a trusted X-Forwarded-Proto: %s is https', async (value) => {
    expect(valueOf(await seen(behindProxy, [`X-Forwarded-Proto: ${value}`]), 'x-forwarded-proto')).toBe('https');
  });

  test('a trusted proxy is not believed what cannot be', async () => {
    const request = await seen(behindProxy, UNSOUND);
    expect(request.raw).not.toContain('script');
    expect(valuesOf(request, 'x-forwarded-host')).toEqual(['gateway.test']);
    expect(valuesOf(request, 'x-forwarded-proto')).toEqual(['http']);
  });

  test('names that upstreams take for others are dropped, or pass if they look like none of ours', async () => {
    expect((await seen(open, LOOKALIKES)).raw).not.toContain('six');
    const request = await seen(passing, LOOKALIKES);
    const sixes = request.fields.filter(([, value]) => value === 'six').map(([name]) => name.toLowerCase());
    expect(sixes).toEqual(['x.api.key', 'x_a']);
  });
});

describeFronts('fields that name clients', (front) => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await startPair({ front, env: { RATE_LIMIT_KEY: 'header:x-api-key,ip' } });
  });
  afterAll(() => pair[Symbol.asyncDispose]());

  test.each([
    ['repeated', ['X-Api-Key: random', 'X-Api-Key: real']],
    ['repeated, the first empty', ['X-Api-Key:', 'X-Api-Key: real']],
    ['repeated, the same', ['X-Api-Key: real', 'A: 1', 'x-api-key: real']],
    ['listed by Connection', ['X-Api-Key: real', 'Connection: close, X-API-KEY']],
  ])('%s: 400, and the upstream hears nothing', async (_what, fields) => {
    const path = freshPath();
    const answer = await ask(pair.port, requestText('GET', `/proxy${path}`, fields));
    expect([statusOf(answer), JSON.parse(answer.body)]).toMatchObject([400, { code: 'bad_request' }]);
    expect(pair.requestsFor(path)).toEqual([]);
  });
});
