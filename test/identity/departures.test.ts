import { describe, expect, test } from 'vitest';
import { wallClockMs } from '../../src/shared/clock.ts';
import { makeApiKey } from '../../src/shared/identity/api-key.ts';
import { Scrape } from '../metrics/scrape.ts';
import { requestText } from '../support/http.ts';
import { rawClient } from '../support/raw.ts';
import { startRedis } from '../support/redis.ts';
import { get } from '../support/requests.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { CLAIMS, keySet, signingKey, signToken, tokenIssuer } from '../support/token-issuer.ts';
import { eventually } from '../support/wait.ts';
import { aKey, startKeyed } from './setup.ts';
import type { Keyed } from './setup.ts';

const exp = Math.floor(wallClockMs() / 1_000) + 3_600;
/** Fewer than of whom one issuer's keys are waited for at once. */
const CLIENTS = 200;
const ROUNDS = 3;

const scrape = async ({ gateway }: Keyed): Promise<Scrape> =>
  new Scrape((await get(gateway.adminPort, '/metrics')).body);

/** So many clients send a request each, are seen to wait or to have their answer, and leave. */
async function leaveAll(keyed: Keyed, credentials: readonly string[]): Promise<void> {
  const idle = (await scrape(keyed)).sum('http_requests_in_flight');
  const clients = await Promise.all(credentials.map(() => rawClient(keyed.port)));
  for (const [i, client] of clients.entries()) client.send(requestText('GET', '/t', [credentials[i] ?? '']));
  await eventually(async () => {
    const waiting = (await scrape(keyed)).sum('http_requests_in_flight') - idle;
    return waiting + clients.filter((client) => client.received() !== '').length >= credentials.length;
  }, 'all are under way');
  for (const client of clients) client.socket.resetAndDestroy();
  await eventually(async () => {
    const now = await scrape(keyed);
    return now.sum('http_requests_in_flight') === idle && now.sum('http_connections_open') === 0;
  }, 'nothing of them is left');
}

/** What came of exchanges so far. */
const outcomesOf = ({ gateway }: Keyed): Record<string, number> => {
  const seen: Record<string, number> = {};
  for (const { msg, outcome, path } of gateway.log) {
    if (msg === 'exchange' && path === '/t') seen[String(outcome)] = (seen[String(outcome)] ?? 0) + 1;
  }
  return seen;
};

/** @returns how many of them left before they had an answer */
async function expectGone(keyed: Keyed, all: number): Promise<number> {
  await eventually(() => {
    const { client_aborted: left = 0, identity_unavailable: answered = 0, ...others } = outcomesOf(keyed);
    expect(others).toEqual({});
    return left + answered === all;
  }, 'each is in the log');
  const left = outcomesOf(keyed)['client_aborted'] ?? 0;
  const now = await scrape(keyed);
  expect(now.sum('http_responses_total', { route: 't', status_class: 'none' })).toBe(left);
  expect(now.sum('http_responses_total', { route: 't' })).toBe(all);
  expect(keyed.upstream.requests).toHaveLength(0);
  expect(keyed.gateway.log.filter(({ level, err }) => level === 'error' && err !== undefined)).toEqual([]);
  return left;
}

describe('clients that leave while their credential is verified', () => {
  test('because the issuer hangs, leave nothing behind', async () => {
    const [key, young] = [await signingKey('k'), await signingKey('young')];
    await using issuer = await tokenIssuer(key);
    await using keyed = await startKeyed(
      `issuers: { main: { issuer: "${CLAIMS.iss}", jwks_url: "${issuer.url}" } }
routes: [{ path: /t, upstream: o, authenticate: [jwt] }]`,
    );
    const tokenOf = (of: typeof key, sub: string): Promise<string> => signToken(of, { exp, claims: { sub } });
    let release = (): void => {};
    issuer.answer((_request, response) => {
      release = () => response.end(keySet(key, young));
    });
    for (let round = 0; round < ROUNDS; round++) {
      const lines = Array.from({ length: CLIENTS }, async (_, i) => {
        const token = await tokenOf(young, `${round}-${i}`);
        return `authorization: Bearer ${token}`;
      });
      await leaveAll(keyed, await Promise.all(lines));
    }
    // The front gives a fetch five seconds: who comes later than that is told to come again.
    expect(await expectGone(keyed, ROUNDS * CLIENTS)).toBeGreaterThan(0);
    issuer.publish(key, young);
    release();
    await eventually(async () => {
      const headers = { authorization: `Bearer ${await tokenOf(young, 'stays')}` };
      return (await get(keyed.port, { path: '/t', headers })).status === 200;
    }, 'who stays is served');
    expect(keyed.upstream.requests).toHaveLength(1);
  });

  test('because Redis hangs, leave nothing behind', async () => {
    await using redis = await startRedis();
    await using proxy = await startTcpProxy(redis.port);
    const known = aKey('known');
    await using keyed = await startKeyed(
      `consumers: { acme: { keys: [${known.yaml}] } }
routes: [{ path: /t, upstream: o, authenticate: [api_key], limits: [] }]`,
      { env: { API_KEYS: 'both', REDIS_URL: `redis://127.0.0.1:${proxy.port}`, AUTH_FAILURE_CAPACITY: '100000' } },
    );
    let rounds = 0;
    // The front waits a second for Redis: on a very busy machine it may be faster than our look.
    for (let left = 0; rounds < ROUNDS || left === 0; rounds++) {
      proxy.stall();
      await leaveAll(
        keyed,
        Array.from({ length: CLIENTS }, () => `x-api-key: ${makeApiKey()}`),
      );
      proxy.mend();
      await eventually(async () => (await get(keyed.port, '/health')).body === '{"status":"ok"}\n', 'Redis is there');
      left = await expectGone(keyed, (rounds + 1) * CLIENTS);
    }
    expect((await get(keyed.port, { path: '/t', headers: { 'x-api-key': known.key } })).status).toBe(200);
  });
});
