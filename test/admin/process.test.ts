import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { get } from '../support/requests.ts';
import type { Pair } from '../support/pair.ts';
import { answerText } from '../support/http.ts';
import { startGateway } from '../support/gateway.ts';
import { eventually } from '../support/wait.ts';
import { call, startAdmin } from './setup.ts';

describe('a gateway on its own', () => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await startAdmin({ NODE_NAME: 'alone', WORKERS: '2', ACCESS_LOG: 'on' });
  });
  afterAll(() => pair[Symbol.asyncDispose]());

  it('says how it is', async () => {
    const { json } = await call(pair.gateway, 'GET /admin/status');
    expect(json).toMatchObject({
      verdict: 'ok',
      reasons: [],
      node: 'alone',
      version: expect.stringMatching(/^\d/),
      configVersion: 1,
      lastReload: null,
      port: pair.port,
      liveNodes: 1,
      redis: { configured: false, state: 'none' },
      threadRestarts: 0,
    });
    const threads = json['threads'] as { state: string; loopUtilisation: number }[];
    expect(threads.map(({ state }) => state)).toEqual(['serving', 'serving']);
    for (const { loopUtilisation } of threads) {
      expect(loopUtilisation).toBeGreaterThanOrEqual(0);
      expect(loopUtilisation).toBeLessThanOrEqual(1);
    }
    expect(Math.abs(Date.now() - Date.parse(String(json['startedAt'])))).toBeLessThan(60_000);
  });

  it('is the only node', async () => {
    const { json } = await call(pair.gateway, 'GET /admin/nodes');
    expect(json).toMatchObject({
      scope: 'node',
      nodes: [{ name: 'alone', self: true, threads: 2, address: expect.stringMatching(`:${pair.port}$`) }],
    });
  });

  it('shows its configuration', async () => {
    const { json } = await call(pair.gateway, 'GET /admin/config');
    expect(json).toMatchObject({ logLevel: 'info', server: { workers: 2 }, node: { name: 'alone' } });
  });

  it('reloads, and says so in its status', async () => {
    const { status, json } = await call(pair.gateway, 'POST /admin/reload');
    expect([status, json]).toEqual([200, { version: 2, needsRestart: [], complete: true, redisRefuses: '' }]);
    const after = await call(pair.gateway, 'GET /admin/status');
    expect(after.json).toMatchObject({ configVersion: 2, lastReload: { applied: true, problems: [] } });
    expect(
      await pair.gateway.waitForLog(({ msg, path }) => msg === 'admin change' && path === '/admin/reload'),
    ).toMatchObject({
      level: 'info',
      audit: true,
      who: 'token',
      remote_address: '127.0.0.1',
      operation: 'reload',
      status: 200,
    });
  });

  it('the log level is that of the front and of every thread, until a reload', async () => {
    const exchanges = (): number => pair.gateway.log.filter(({ msg }) => msg === 'exchange').length;
    const both = async (): Promise<void> => void (await Promise.all([1, 2, 3, 4, 5, 6].map(() => get(pair.port))));
    await both();
    await eventually(() => exchanges() >= 6, 'exchanges are logged');
    expect((await call(pair.gateway, 'GET /admin/log-level')).json).toEqual({ level: 'info' });

    const body = { level: 'error' };
    expect((await call(pair.gateway, 'PUT /admin/log-level', { body })).json).toEqual(body);
    // The line of the one who turned the log down is there all the same.
    const line = await pair.gateway.waitForLog(({ msg, method }) => msg === 'admin change' && method === 'PUT');
    expect(line).toMatchObject({ level: 'info', body, operation: 'setLogLevel', status: 200 });
    const before = exchanges();
    await both();
    await threadsHaveTicked(pair);
    expect((await call(pair.gateway, 'GET /admin/log-level')).json).toEqual(body);

    expect((await call(pair.gateway, 'POST /admin/reload')).status).toBe(200);
    expect((await call(pair.gateway, 'GET /admin/log-level')).json).toEqual({ level: 'info' });
    await both();
    await eventually(() => exchanges() >= before + 6, 'exchanges are logged again');
    expect(exchanges()).toBe(before + 6);
  });

  it.each([
    [{ level: 'loud' }, ['level']],
    [{}, ['level']],
    [{ level: 'info', for: 5 }, ['for']],
    ['info', ['']],
  ])('the log level is not %j', async (body, paths) => {
    const { status, json } = await call(pair.gateway, 'PUT /admin/log-level', { body });
    const errors = json['errors'] as { path: string }[];
    expect([status, errors.map(({ path }) => path)]).toEqual([400, paths]);
  });

  it('refuses what it does not know, and what is too large', async () => {
    expect((await call(pair.gateway, 'GET /admin/stats')).status).toBe(404);
    const wrong = await call(pair.gateway, 'POST /admin/status');
    expect([wrong.status, wrong.headers.allow]).toEqual([405, 'GET, HEAD']);
    const large = { level: 'x'.repeat(70_000) };
    expect((await call(pair.gateway, 'PUT /admin/log-level', { body: large })).status).toBe(413);
    const headers = { 'content-type': 'text/plain' };
    expect((await call(pair.gateway, 'PUT /admin/log-level', { body: {}, headers })).status).toBe(415);
    expect((await call(pair.gateway, 'HEAD /admin/status')).text).toBe('');
  });
});

/** Resolves when the front has seen two new beats of every thread: what waited in them to be logged has been. */
async function threadsHaveTicked({ gateway }: Pair): Promise<void> {
  const ages = async (): Promise<number[]> => {
    const { json } = await call(gateway, 'GET /admin/status');
    return (json['threads'] as { lastBeatMsAgo: number }[]).map(({ lastBeatMsAgo }) => lastBeatMsAgo);
  };
  for (let beats = 0; beats < 2; beats++) {
    let oldest = await ages();
    await eventually(async () => {
      const now = await ages();
      const isNew = now.every((age, thread) => age < (oldest[thread] ?? 0));
      oldest = now.map((age, thread) => Math.max(age, oldest[thread] ?? 0));
      return isNew;
    }, 'every thread beats');
  }
}

it('a new thread has the level that was set', async () => {
  await using pair = await startAdmin({ GATEWAY_TEST_FAULTS: 'on', ACCESS_LOG: 'on' });
  await call(pair.gateway, 'PUT /admin/log-level', { body: { level: 'warn' } });
  await get(pair.port, { headers: { 'x-gateway-test-fault': 'throw-later' } }).catch(() => undefined);
  await eventually(
    async () => {
      const { json } = await call(pair.gateway, 'GET /admin/status');
      return json['threadRestarts'] === 1 && json['verdict'] === 'ok';
    },
    'another thread serves',
    15_000,
  );
  expect((await get(pair.port)).status).toBe(200);
  expect(pair.gateway.log.filter(({ msg }) => msg === 'exchange')).toEqual([]);
});

describe.each(['front', 'supervised'] as const)('a drain of %s', (as) => {
  it('is answered, lets what is in flight finish, and ends with 0', async () => {
    await using pair = await startAdmin({ DRAIN_TIMEOUT_SECONDS: '20' }).then((each) => each);
    await using supervised =
      as === 'supervised'
        ? await startGateway({ as, env: { UPSTREAM_URL: `http://127.0.0.1:${pair.upstream.port}` } })
        : undefined;
    const gateway = supervised ?? pair.gateway;
    pair.answers.set('/slow', () => '');
    const answer = get(gateway.port, { path: '/proxy/slow' });
    await eventually(() => pair.requestsFor('/slow').length === 1, 'it is in flight');
    const { status, json } = await call(gateway, 'POST /admin/drain');
    expect([status, json]).toEqual([202, { draining: true, delaySeconds: 0, deadlineSeconds: expect.any(Number) }]);
    await gateway.waitForLog(({ msg }) => msg === 'gateway draining');
    const during = await call(gateway, 'GET /admin/status');
    expect(during.json).toMatchObject({ verdict: 'draining' });
    expect((await call(gateway, 'POST /admin/reload')).json).toMatchObject({ code: 'draining' });
    expect((await call(gateway, 'POST /admin/drain')).status).toBe(202);
    const exit = new Promise((resolve) => gateway.process.once('exit', resolve));
    (await pair.upstream.connection(0)).send(answerText('whole'));
    expect((await answer).body).toBe('whole');
    expect(await exit).toBe(0);
    expect(gateway.log.filter(({ msg, operation }) => msg === 'admin change' && operation === 'drain')).toHaveLength(2);
  });
});

it('a refused reload is in the status, with what is wrong', async () => {
  const yaml = (level: string): string =>
    `upstreams:\n  up: { url: "http://127.0.0.1:1" }\nroutes:\n  - { path: /a, upstream: ${level} }\n`;
  await using gateway = await startGateway({ yaml: yaml('up') });
  gateway.writeYaml(yaml('nobody'));
  expect((await call(gateway, 'POST /admin/reload')).status).toBe(422);
  const { json } = await call(gateway, 'GET /admin/status');
  expect(json).toMatchObject({
    verdict: 'degraded',
    reasons: ['the last reload was refused; configuration version 1 stays in use'],
    lastReload: { applied: false, problems: [expect.stringContaining('nobody')] },
  });
});
