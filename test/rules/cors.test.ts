import { afterAll, beforeAll, expect, it } from 'vitest';
import { aKey } from '../identity/setup.ts';
import { maintenanceCalls } from '../maintenance/setup.ts';
import { scrape } from '../metrics/scrape.ts';
import { describeFronts } from '../support/fronts.ts';
import { answerText, ask, requestText, statusOf, valueOf, valuesOf } from '../support/http.ts';
import type { Message } from '../support/http.ts';
import { codeOf, fieldsWith, startBrowsed } from './browsed.ts';
import type { Browsed } from './browsed.ts';

const APP = 'https://app.example.com';
const KEY = aKey();

const ROUTES = `
  - path: /items
    upstream: o
    methods: [GET, PUT]
    authenticate: [api_key]
    limits: [{ capacity: 2, refill_per_second: 0.001 }]
    cors:
      origins: ["${APP}", "https://*.example.org"]
      headers: [content-type, x-api-key]
      expose: [x-total, x-request-id]
      credentials: true
      max_age_seconds: 5
  - { name: items-delete, path: /items, methods: [DELETE], upstream: o }
  - { path: /open, upstream: o, cors: { origins: ["*"] }, max_body_bytes: 10 }
  - { path: /plain, upstream: o }
  - { path: /fixed, respond: { text: hello }, cors: { origins: ["${APP}"] } }
  - path: /ruled
    upstream: o
    cors: { origins: ["${APP}"] }
    response_headers: { set: { x-env: prod }, remove: [x-powered-by] }
`;
const YAML = `consumers: { acme: { keys: [${KEY.yaml}] } }`;

const preflight = (method: string, origin = APP, more: readonly string[] = []): readonly string[] => [
  `Origin: ${origin}`,
  `Access-Control-Request-Method: ${method}`,
  ...more,
];
const cors = (answer: Message) => fieldsWith(answer, 'access-control-');
const ALLOWED = {
  'access-control-allow-origin': APP,
  'access-control-allow-credentials': 'true',
  'access-control-expose-headers': 'x-total, x-request-id',
};

describeFronts('CORS', (front) => {
  let browsed: Browsed;
  beforeAll(async () => {
    browsed = await startBrowsed(ROUTES, { front, rest: YAML });
  });
  afterAll(() => browsed[Symbol.asyncDispose]());

  it('a preflight is answered before identity and limits, by the route of the method that is to follow', async () => {
    const before = browsed.upstream.requests.length;
    for (let i = 0; i < 5; i++) {
      const answer = await browsed.ask(
        'OPTIONS',
        '/items/7',
        preflight('PUT', APP, ['Access-Control-Request-Headers: x-api-key']),
      );
      expect([statusOf(answer), answer.body, valueOf(answer, 'content-length')]).toEqual([204, '', undefined]);
      expect(cors(answer)).toEqual({
        ...ALLOWED,
        'access-control-allow-methods': 'GET, PUT, HEAD',
        'access-control-allow-headers': 'content-type, x-api-key',
        'access-control-max-age': '5',
      });
      expect(valueOf(answer, 'vary')).toBe('Origin');
    }
    expect(browsed.upstream.requests).toHaveLength(before);
    // The route of DELETE has no cors: it is its upstream's to answer.
    expect(statusOf(await browsed.ask('OPTIONS', '/items/7', preflight('DELETE')))).toBe(405);
  });

  it('of another origin: 403, and nothing that lets it', async () => {
    for (const origin of [
      'https://evil.example',
      'null',
      'https://app.example.com.evil.example',
      'http://app.example.com',
    ]) {
      const answer = await browsed.ask('OPTIONS', '/items', preflight('GET', origin));
      expect([statusOf(answer), codeOf(answer)]).toEqual([403, 'origin_not_allowed']);
      expect([cors(answer), valueOf(answer, 'vary')]).toEqual([{}, 'Origin']);
    }
    const family = await browsed.ask('OPTIONS', '/items', preflight('GET', 'https://a.b.example.org'));
    expect([statusOf(family), cors(family)['access-control-allow-origin']]).toEqual([204, 'https://a.b.example.org']);
  });

  it('what only looks like a preflight goes the ordinary way', async () => {
    const before = browsed.upstream.requests.length;
    expect(statusOf(await browsed.ask('OPTIONS', '/open', [`Origin: ${APP}`]))).toBe(200);
    expect(statusOf(await browsed.ask('OPTIONS', '/open', ['Access-Control-Request-Method: GET']))).toBe(200);
    expect(statusOf(await browsed.ask('OPTIONS', '/open', [...preflight('GET'), `Origin: ${APP}`]))).toBe(200);
    expect(statusOf(await browsed.ask('OPTIONS', '/plain', preflight('GET')))).toBe(200);
    expect(statusOf(await browsed.ask('GET', '/open', preflight('GET')))).toBe(200);
    expect(browsed.upstream.requests).toHaveLength(before + 5);
    expect(statusOf(await browsed.ask('OPTIONS', '/nowhere', preflight('GET')))).toBe(404);
  });

  it('refusals of our own carry the fields, each with its status', async () => {
    const missing = await browsed.ask('GET', '/items', [`Origin: ${APP}`]);
    expect([statusOf(missing), cors(missing), valuesOf(missing, 'vary')]).toEqual([401, ALLOWED, ['Origin']]);
    const known = [`Origin: ${APP}`, `X-Api-Key: ${KEY.key}`];
    const statuses = [];
    for (let i = 0; i < 3; i++) {
      const answer = await browsed.ask('GET', '/items', known);
      statuses.push(statusOf(answer));
      expect(cors(answer)).toEqual(ALLOWED);
    }
    expect(statuses).toEqual([200, 200, 429]);
    const large = await ask(
      browsed.port,
      requestText('POST', '/open', [`Origin: ${APP}`, 'Content-Length: 11']) + 'hello world',
    );
    expect([statusOf(large), cors(large)]).toEqual([413, { 'access-control-allow-origin': '*' }]);
    const fixed = await browsed.ask('GET', '/fixed', [`Origin: ${APP}`]);
    expect([fixed.body, cors(fixed)]).toEqual(['hello', { 'access-control-allow-origin': APP }]);

    const { on, off } = maintenanceCalls(browsed.gateway);
    await on({ route: 'items', for: 60 });
    const closed = await browsed.ask('GET', '/items', known);
    expect([statusOf(closed), codeOf(closed), cors(closed)]).toEqual([503, 'maintenance', ALLOWED]);
    // Else no page could read the refusal.
    expect(statusOf(await browsed.ask('OPTIONS', '/items', preflight('PUT')))).toBe(204);
    await off();
  });

  it('of an upstream’s answer its own are replaced, and its other fields stay', async () => {
    const own = [
      'Access-Control-Allow-Origin: *',
      'access-control-allow-origin: https://evil.example',
      'Access-Control-Allow-Credentials: false',
      'Access-Control-Expose-Headers: x-secret',
      'Access_Control_Allow_Origin: *',
      'Vary: Accept-Encoding',
      'X-Powered-By: demo',
      'X-Total: 7',
    ];
    browsed.answer = () => answerText('body', own);
    for (let i = 0; i < 2; i++) {
      const open = await browsed.ask('GET', '/open', ['Origin: https://any.example']);
      expect(cors(open)).toEqual({ 'access-control-allow-origin': '*' });
      expect(valuesOf(open, 'vary').sort()).toEqual(['Accept-Encoding', 'Origin']);
      expect([valueOf(open, 'x-total'), open.body]).toEqual(['7', 'body']);
      const other = await browsed.ask('GET', '/fixed', ['Origin: https://evil.example']);
      expect([statusOf(other), cors(other), valueOf(other, 'vary')]).toEqual([200, {}, 'Origin']);
      const ruled = await browsed.ask('GET', '/ruled', ['Origin: https://evil.example']);
      expect([statusOf(ruled), cors(ruled), ruled.body]).toEqual([200, {}, 'body']);
      expect([valueOf(ruled, 'x-env'), valueOf(ruled, 'x-powered-by')]).toEqual(['prod', undefined]);
      const withoutOrigin = await browsed.ask('GET', '/ruled');
      expect([cors(withoutOrigin), valuesOf(withoutOrigin, 'vary').sort()]).toEqual([
        {},
        ['Accept-Encoding', 'Origin'],
      ]);
      // Where a route has no rule of ours, its upstream's stay.
      const plain = await browsed.ask('GET', '/plain', ['Origin: https://any.example']);
      expect(cors(plain)['access-control-allow-credentials']).toBe('false');
    }
    browsed.answer = () => answerText();
  });

  it('preflights are counted apart', async () => {
    const count = async () =>
      (await scrape(browsed.gateway)).sum('http_requests_total', { route: '(preflight)', method: 'OPTIONS' });
    const before = await count();
    await browsed.ask('OPTIONS', '/open', preflight('GET'));
    await browsed.ask('OPTIONS', '/items', preflight('GET', 'https://evil.example'));
    expect(await count()).toBe(before + 2);
    const refused = (await scrape(browsed.gateway)).sum('http_refused_total', { code: 'origin_not_allowed' });
    expect(refused).toBeGreaterThan(0);
  });
});
