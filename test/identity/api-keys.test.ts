import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeApiKey } from '../../src/shared/identity/api-key.ts';
import { describeFronts } from '../support/fronts.ts';
import { ask, requestText, statusOf, valueOf, valuesOf } from '../support/http.ts';
import type { Message } from '../support/http.ts';
import { get } from '../support/requests.ts';
import { aKey, startKeyed } from './setup.ts';
import type { Keyed } from './setup.ts';

const ACME = aKey();
const FLEET = aKey('k2');
const DISABLED = aKey('k3');
const ENDED = aKey('k4', ', expires: 2020-01-01');
const OFF = aKey('k5', ', disabled: true');

const FILE = `
consumers:
  acme: { profile: partner, groups: [b2b, "a,b"], keys: [${ACME.yaml}, ${ENDED.yaml}, ${OFF.yaml}] }
  "fleet:7/x": { groups: [fleet], keys: [${FLEET.yaml}] }
  gone: { disabled: true, keys: [${DISABLED.yaml}] }
routes:
  - { path: /open, upstream: o }
  - { path: /keyed, upstream: o, authenticate: [api_key] }
  - { path: /some, upstream: o, authenticate: [api_key], anonymous: true }
  - { path: /fleet, upstream: o, authenticate: [api_key], allow: { groups: [fleet] } }
  - { path: /acme, upstream: o, authenticate: [api_key], allow: { consumers: [acme] } }
  - { path: /query, upstream: o, authenticate: [api_key], authenticate_query: access_token }
  - { path: /kept, upstream: o, authenticate: [api_key], authenticate_query: key, forward_credentials: true }
`.replace('groups: [b2b, "a,b"]', 'groups: [b2b, ops]');

const code = (answer: Message): unknown => (JSON.parse(answer.body) as { code: unknown }).code;

describeFronts('API keys of the file', (front) => {
  let keyed: Keyed;
  beforeAll(async () => {
    keyed = await startKeyed(FILE, { front });
  });
  afterAll(() => keyed[Symbol.asyncDispose]());

  const send = (target: string, fields: readonly string[] = []): Promise<Message> =>
    ask(keyed.port, requestText('GET', target, fields));
  /** What the upstream saw of the last request. */
  const seen = (): Message => keyed.upstream.requests.at(-1) as Message;

  test('a good one passes; the upstream hears whose it is, and not the key', async () => {
    for (let n = 0; n < 3; n++) {
      expect(statusOf(await send('/keyed/a?b=1', [`X-Api-Key: ${ACME.key}`, 'A: 1']))).toBe(200);
      const { raw, startLine } = seen();
      expect(startLine).toBe('GET /keyed/a?b=1 HTTP/1.1');
      expect(valueOf(seen(), 'x-consumer-id')).toBe('acme');
      expect(valueOf(seen(), 'x-consumer-profile')).toBe('partner');
      expect(valueOf(seen(), 'x-consumer-groups')).toBe('b2b,ops');
      expect(valueOf(seen(), 'a')).toBe('1');
      expect(raw).not.toContain(ACME.key);
    }
  });

  test('none and wrong ones are 401, with the way to do it', async () => {
    const cases: [string[], string][] = [
      [[], 'credentials_missing'],
      [[`X-Api-Key: ${makeApiKey()}`], 'credentials_invalid'],
      [['X-Api-Key: gw1_typo'], 'credentials_invalid'],
      [[`X-Api-Key: ${'k'.repeat(9_000)}`], 'credentials_invalid'],
      [[`X-Api-Key: ${ENDED.key}`], 'credentials_invalid'],
      [[`X-Api-Key: ${OFF.key}`], 'credentials_invalid'],
      [[`X-Api-Key: ${DISABLED.key}`], 'credentials_invalid'],
    ];
    const before = keyed.upstream.requests.length;
    for (const [fields, expected] of cases) {
      const answer = await send('/keyed', fields);
      expect([statusOf(answer), code(answer)]).toEqual([401, expected]);
      expect(valuesOf(answer, 'www-authenticate')).toEqual(['ApiKey realm="gateway", header="x-api-key"']);
      expect(answer.raw).not.toContain('gw1_');
    }
    expect(keyed.upstream.requests).toHaveLength(before);
  });

  test('a repeated one, and one that Connection lists, is 400', async () => {
    const key = `X-Api-Key: ${ACME.key}`;
    expect(statusOf(await send('/keyed', [key, key]))).toBe(400);
    expect(statusOf(await send('/keyed', [key, 'Connection: x-api-key']))).toBe(400);
    expect(statusOf(await send(`/query?access_token=${ACME.key}`, [key]))).toBe(400);
    expect(statusOf(await send(`/query?access_token=${ACME.key}&access%5Ftoken=${ACME.key}`))).toBe(400);
  });

  test('who is known but not meant gets 403', async () => {
    const refused = await send('/fleet', [`X-Api-Key: ${ACME.key}`]);
    expect([statusOf(refused), code(refused)]).toEqual([403, 'not_allowed']);
    expect(statusOf(await send('/fleet', [`X-Api-Key: ${FLEET.key}`]))).toBe(200);
    expect(valueOf(seen(), 'x-consumer-id')).toBe('fleet:7/x');
    expect(valueOf(seen(), 'x-consumer-profile')).toBeUndefined();
    expect(statusOf(await send('/acme', [`X-Api-Key: ${FLEET.key}`]))).toBe(403);
    expect(statusOf(await send('/acme', [`X-Api-Key: ${ACME.key}`]))).toBe(200);
  });

  test('a route that takes nobody in particular still refuses a wrong one', async () => {
    expect(statusOf(await send('/some'))).toBe(200);
    expect(valueOf(seen(), 'x-consumer-id')).toBeUndefined();
    expect(statusOf(await send('/some', [`X-Api-Key: ${makeApiKey()}`]))).toBe(401);
    expect(statusOf(await send('/some', [`X-Api-Key: ${ACME.key}`]))).toBe(200);
    expect(valueOf(seen(), 'x-consumer-id')).toBe('acme');
  });

  test('nobody says himself who he is, on any route', async () => {
    const fields = ['X-Consumer-Id: root', 'x-consumer-groups: fleet', 'X_Consumer_Id: root', 'X-Consumer-Name: root'];
    for (const target of ['/open', '/some']) {
      expect(statusOf(await send(target, fields))).toBe(200);
      expect(seen().raw).not.toContain('root');
    }
    await send('/keyed', [...fields, `X-Api-Key: ${FLEET.key}`]);
    expect(valuesOf(seen(), 'x-consumer-id')).toEqual(['fleet:7/x']);
  });

  test('one in the query is taken out of what is forwarded', async () => {
    for (const [target, forwarded] of [
      [`/query?access_token=${ACME.key}`, '/query'],
      [`/query?a=1&access_token=${ACME.key}&b=2`, '/query?a=1&b=2'],
      [`/query/x?access%5Ftoken=${ACME.key}&a`, '/query/x?a'],
    ]) {
      expect(statusOf(await send(target as string))).toBe(200);
      expect(seen().startLine).toBe(`GET ${forwarded} HTTP/1.1`);
    }
    expect(statusOf(await send('/query?access_token=%E0'))).toBe(401);
    expect(statusOf(await send(`/keyed?access_token=${ACME.key}`))).toBe(401);
  });

  test('forward_credentials leaves it where it was', async () => {
    await send('/kept', [`X-Api-Key: ${ACME.key}`]);
    expect(valueOf(seen(), 'x-api-key')).toBe(ACME.key);
    await send(`/kept?key=${ACME.key}`);
    expect(seen().startLine).toContain(ACME.key);
  });

  test('a route that asks nobody leaves the field to the upstream', async () => {
    await send('/open', ['X-Api-Key: of-the-upstream']);
    expect(valueOf(seen(), 'x-api-key')).toBe('of-the-upstream');
  });

  test('the log says who called, and no key', async () => {
    await send('/keyed/logged', [`X-Api-Key: ${ACME.key}`]);
    await send(`/query/logged?access_token=${FLEET.key}`);
    const line = await keyed.gateway.waitForLog(({ path }) => path === '/keyed/logged');
    expect(line).toMatchObject({ consumer: 'acme', client: '127.0.0.1', status: 200 });
    await keyed.gateway.waitForLog(({ path }) => path === '/query/logged');
    expect(JSON.stringify(keyed.gateway.log)).not.toContain('gw1_');
  });

  test('what came of it is counted', async () => {
    const { body } = await get(keyed.gateway.adminPort, '/metrics');
    expect(body).toMatch(/auth_decisions_total\{route="keyed",method="api_key",outcome="granted"\} [1-9]/);
    expect(body).toMatch(/auth_decisions_total\{route="keyed",method="none",outcome="credentials_missing"\} [1-9]/);
    expect(body).toMatch(/auth_cache_hits_total [1-9]/);
  });
});

describe('a reload', () => {
  test('changes at once who passes, and what limits hold for whom', async () => {
    const routes = 'routes: [{ path: /a, upstream: o, authenticate: [api_key] }]';
    const file = (rest: string): string => `${routes}\nconsumers: { acme: { ${rest}keys: [${ACME.yaml}] } }`;
    await using keyed = await startKeyed(file('profile: partner, '));
    const headers = { 'x-api-key': ACME.key };
    const limitOf = async (): Promise<unknown> =>
      (await get(keyed.port, { path: '/a', headers })).headers['x-ratelimit-limit'];
    expect(await limitOf()).toBe('500');
    await keyed.reload(file('profile: iot, '));
    expect(await limitOf()).toBe('10000');
    await keyed.reload(file(''));
    expect(await limitOf()).toBeUndefined();
    await keyed.reload(file('disabled: true, '));
    expect((await get(keyed.port, { path: '/a', headers })).status).toBe(401);
  });
});
