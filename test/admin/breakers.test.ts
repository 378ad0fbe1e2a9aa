import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { breakerAnswer, breakerChangeAnswer, breakersAnswer } from '../../src/shared/admin/breakers.ts';
import { problemAnswer } from '../../src/shared/admin/operations.ts';
import { BREAKER_KEY, seenAt, startNode, stopAll, untilSeen, untilShared } from '../breaker-gateway/setup.ts';
import { get, statuses } from '../support/requests.ts';
import { scriptedUpstream } from '../support/upstreams.ts';
import type { ScriptedUpstream } from '../support/upstreams.ts';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { startGateway } from '../support/gateway.ts';
import type { Gateway } from '../support/gateway.ts';
import { eventually, stopwatch } from '../support/wait.ts';

let upstream: ScriptedUpstream;
let redis: TestRedis;
let nodes: readonly [Gateway, Gateway];
const started: Gateway[] = [];

beforeAll(async () => {
  upstream = await scriptedUpstream();
  redis = await startRedis();
  const breaker = '{ failure_threshold: 3, reset_timeout_seconds: 0.3, half_open_success_threshold: 1 }';
  const start = async (): Promise<Gateway> => {
    const node = await startNode({ upstream, redis, breaker });
    started.push(node);
    return node;
  };
  nodes = [await start(), await start()];
  await Promise.all(nodes.map(untilShared));
});
beforeEach(async () => {
  upstream.behaviour = 200;
  await redis.client.del(BREAKER_KEY);
  for (const node of nodes) await eventually(async () => (await breakerAt(node)).forced === null, 'nothing is forced');
  await untilSeen(nodes, 'passed');
});
afterAll(async () => {
  await stopAll(started);
  await redis[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

const post = (node: Gateway, body: unknown, path = '/admin/breakers/api'): Promise<Response> =>
  fetch(`${node.adminUrl}${path}`, {
    method: 'POST',
    headers: { ...node.bearer, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

/** A change that must be taken. */
async function change(node: Gateway, body: unknown) {
  const res = await post(node, body);
  expect([res.status, res.headers.get('content-type')]).toEqual([200, 'application/json']);
  return breakerChangeAnswer.parse(await res.json());
}

async function refusal(res: Response) {
  expect(res.headers.get('content-type')).toBe('application/problem+json');
  return problemAnswer.parse(await res.json());
}

async function breakerAt(node: Gateway) {
  const { body } = await get(node.adminPort, '/admin/breakers/api');
  return breakerAnswer.parse(JSON.parse(body));
}

const saidBy = ({ log }: Gateway) => log.filter(({ msg }) => String(msg).startsWith('circuit breaker of api'));

describe('two gateways on one Redis', () => {
  test('OPEN at one refuses at the other within a second, with the time that is left', async () => {
    const [first, second] = nodes;
    const answer = await change(first, { state: 'OPEN', for: 120 });
    expect(answer).toMatchObject({ upstream: 'api', state: 'OPEN', scope: 'cluster', reason: 'operator' });
    expect(answer.forced).toEqual({ state: 'OPEN', remainingSeconds: 120 });
    expect((await get(first.port)).status).toBe(503);
    expect(await untilSeen([second], 'OPEN')).toBeLessThan(1_000);
    upstream.clear();
    const { status, headers, body } = await get(second.port);
    expect([status, headers['x-circuit-breaker']]).toEqual([503, 'OPEN']);
    expect(Number(headers['retry-after'])).toBeGreaterThan(115);
    expect(Number(headers['retry-after'])).toBeLessThanOrEqual(120);
    expect(body).toContain('circuit_open');
    // Longer than the breaker's own opening: no probe goes out, although all would be well.
    await eventually(async () => ((await breakerAt(second)).forced?.remainingSeconds ?? 120) < 119, 'a second');
    expect(await statuses(second, 5)).toEqual(Array(5).fill(503));
    expect(upstream.calls).toHaveLength(0);
  });

  test('CLOSED keeps a failing upstream called on both, AUTO gives it back', async () => {
    const [first, second] = nodes;
    upstream.behaviour = 500;
    await statuses(first, 3);
    await untilSeen([second], 'OPEN');
    await change(second, { state: 'CLOSED' });
    expect((await breakerAt(second)).forced?.remainingSeconds).toBeGreaterThan(295); // the default is 300
    await eventually(async () => (await breakerAt(first)).forced?.state === 'CLOSED', 'the other knows', 2_000);
    upstream.clear();
    for (const node of nodes) expect(await statuses(node, 10)).toEqual(Array(10).fill(500));
    expect(upstream.calls).toHaveLength(20);
    expect(await change(first, { state: 'AUTO' })).toMatchObject({ state: 'CLOSED', failures: 0, forced: null });
    await eventually(async () => (await breakerAt(second)).forced === null, 'the other knows', 2_000);
    expect(await statuses(second, 3)).toEqual([500, 500, 500]);
    await untilSeen(nodes, 'OPEN');
  });

  test('AUTO from OPEN lets a probe decide; AUTO when nothing is forced changes nothing', async () => {
    const [first, second] = nodes;
    await change(first, { state: 'OPEN' });
    await untilSeen([second], 'OPEN');
    await change(second, { state: 'AUTO' });
    expect(await untilSeen(nodes, 'passed')).toBeLessThan(1_000);
    const stored = async () => ({ ...(await redis.client.hgetall(BREAKER_KEY)), 'api:forced_at': '' });
    const before = await stored();
    expect(await change(second, { state: 'AUTO' })).toMatchObject({ state: 'CLOSED', forced: null });
    expect(await stored()).toEqual(before); // but for when it was said: an older word must not come after it
  });

  test('the time runs out by itself', async () => {
    const [first, second] = nodes;
    await change(first, { state: 'OPEN', for: 1 });
    await untilSeen([second], 'OPEN');
    expect(await untilSeen(nodes, 'passed')).toBeLessThan(2_000);
    await second.waitForLog((line) => line['reason'] === 'override_ended' && line['to'] === 'HALF_OPEN');
  });

  test('DEL of the key, as the runbook says, takes it away', async () => {
    await change(nodes[0], { state: 'OPEN', for: 3_600 });
    await untilSeen(nodes, 'OPEN');
    await redis.client.del(BREAKER_KEY);
    expect(await untilSeen(nodes, 'passed')).toBeLessThan(2_000);
    expect(await breakerAt(nodes[0])).toMatchObject({ state: 'CLOSED', forced: null, reason: 'reset' });
  });

  test('the log of both says so, with who where it was said', async () => {
    const [first, second] = nodes;
    await change(first, { state: 'CLOSED', for: 77 });
    const has77 = (line: { readonly [name: string]: unknown }) => String(line['msg']).includes('77 s');
    expect(await first.waitForLog(has77)).toMatchObject({
      level: 'warn',
      msg: 'circuit breaker of api is forced CLOSED for 77 s, says token 127.0.0.1',
      upstream: 'api',
      state: 'CLOSED',
      scope: 'cluster',
    });
    expect(String((await second.waitForLog(has77))['msg'])).not.toContain('says');
    expect(saidBy(first).filter(has77)).toHaveLength(1);
  });

  test('GET shows all of them, and one', async () => {
    await change(nodes[0], { state: 'OPEN', for: 60 });
    const { body } = await get(nodes[0].adminPort, '/admin/breakers');
    const answer = breakersAnswer.parse(JSON.parse(body));
    expect(answer).toMatchObject({ scope: 'cluster', breakers: [{ upstream: 'api', mode: 'on', state: 'OPEN' }] });
    expect((await breakerAt(nodes[0])).forced?.state).toBe('OPEN');
  });

  test('an upstream that is not there: those that are', async () => {
    for (const res of [
      await post(nodes[0], { state: 'OPEN' }, '/admin/breakers/apl'),
      await fetch(`${nodes[0].adminUrl}/admin/breakers/apl`),
    ]) {
      expect(res.status).toBe(404);
      expect(await refusal(res)).toMatchObject({ code: 'unknown_upstream', upstreams: ['api'] });
    }
  });

  test.each([
    ['a state there is not', { state: 'HALF_OPEN' }, 'state'],
    ['no state', { for: 5 }, 'state'],
    ['no time at all', { state: 'OPEN', for: 0 }, 'for'],
    ['part of a second', { state: 'OPEN', for: 1.5 }, 'for'],
    ['more than a day', { state: 'CLOSED', for: 86_401 }, 'for'],
    ['text for a number', { state: 'CLOSED', for: '60' }, 'for'],
    ['a time with AUTO', { state: 'AUTO', for: 60 }, 'for'],
    ['what nobody asked for', { state: 'OPEN', force: true }, 'force'],
  ])('%s changes nothing', async (_what, body, path) => {
    const res = await post(nodes[0], body);
    expect(res.status).toBe(400);
    expect(JSON.stringify(await refusal(res))).toContain(`"path":"${path}"`);
    expect((await breakerAt(nodes[0])).forced).toBe(null);
  });
});

describe('when Redis', () => {
  test.each([
    ['is gone', 'SIGKILL', 1_000],
    ['hangs', 'SIGSTOP', 2_500],
  ] as const)(
    '%s, it holds on the node that was asked, and the answer says so; with Redis back on all',
    async (_how, signal, withinMs) => {
      const [first, second] = nodes;
      redis.kill(signal);
      try {
        using watch = stopwatch();
        const answer = await change(first, { state: 'OPEN', for: 600 });
        expect(watch.ms()).toBeLessThan(withinMs);
        expect(answer).toMatchObject({ state: 'OPEN', scope: 'node', forced: { state: 'OPEN' } });
        expect([await seenAt(first), await seenAt(second)]).toEqual(['OPEN', 'passed']);
        await first.waitForLog((line) => String(line['msg']).endsWith('on this node only'));
      } finally {
        if (signal === 'SIGKILL') await redis.restart();
        else redis.kill('SIGCONT');
      }
      const isCluster = async (node: Gateway) => (await breakerAt(node)).scope === 'cluster';
      for (const node of nodes) await eventually(() => isCluster(node), 'Redis decides again');
      const isForced = async (node: Gateway) => (await breakerAt(node)).forced?.state === 'OPEN';
      for (const node of nodes) await eventually(() => isForced(node), 'both obey');
      expect([await seenAt(first), await seenAt(second)]).toEqual(['OPEN', 'OPEN']);
      await change(second, { state: 'AUTO' });
      await untilSeen(nodes, 'passed');
      await change(second, { state: 'OPEN', for: 600 });
      expect(await untilSeen(nodes, 'OPEN')).toBeLessThan(1_000);
    },
  );

  test('hangs, and it is withdrawn meanwhile, it does not come back with Redis', async () => {
    const [first, second] = nodes;
    redis.kill('SIGSTOP');
    try {
      expect(await change(first, { state: 'OPEN', for: 3_600 })).toMatchObject({ scope: 'node' });
      expect(await change(first, { state: 'AUTO' })).toMatchObject({ scope: 'node', forced: null });
    } finally {
      redis.kill('SIGCONT');
    }
    const isCluster = async (node: Gateway) => (await breakerAt(node)).scope === 'cluster';
    for (const node of nodes) await eventually(() => isCluster(node), 'Redis decides again');
    expect([(await breakerAt(first)).forced, (await breakerAt(second)).forced]).toEqual([null, null]);
    expect(await redis.client.hget(BREAKER_KEY, 'api:forced')).toBe(null);
    await untilSeen(nodes, 'passed');
  });

  test('goes away while it is forced, the nodes keep it', async () => {
    await change(nodes[0], { state: 'OPEN', for: 4 });
    await untilSeen(nodes, 'OPEN');
    redis.kill('SIGKILL');
    try {
      for (const node of nodes) await eventually(async () => (await breakerAt(node)).scope === 'node', 'alone');
      expect([await seenAt(nodes[0]), await seenAt(nodes[1])]).toEqual(['OPEN', 'OPEN']);
      expect(await untilSeen(nodes, 'passed')).toBeLessThan(5_000);
    } finally {
      await redis.restart();
    }
    for (const node of nodes) await eventually(async () => (await breakerAt(node)).scope === 'cluster', 'back');
  });
});

describe('a breaker that is not on', () => {
  test('cannot be forced: 409 says why; all are listed', async () => {
    await using gateway = await startGateway({
      yaml: `
upstreams:
  plain: { url: "${upstream.url}" }
  unguarded: { url: "${upstream.url}", circuit_breaker: { mode: off } }
  watched: { url: "${upstream.url}", circuit_breaker: { mode: shadow } }
routes:
  - { path: /a, upstream: plain, limits: [] }
  - { path: /b, upstream: unguarded, limits: [] }
  - { path: /c, upstream: watched, limits: [] }
`,
    });
    for (const [name, mode] of [
      ['unguarded', 'off'],
      ['watched', 'shadow mode'],
    ] as const) {
      const res = await post(gateway, { state: 'OPEN' }, `/admin/breakers/${name}`);
      expect(res.status).toBe(409);
      const { code, detail } = await refusal(res);
      expect([code, detail]).toEqual([
        'breaker_not_on',
        expect.stringContaining(`${name} is ${mode === 'off' ? mode : 'in shadow'}`),
      ]);
    }
    expect((await post(gateway, { state: 'AUTO' }, '/admin/breakers/watched')).status).toBe(200);
    const { body } = await get(gateway.adminPort, '/admin/breakers');
    expect(breakersAnswer.parse(JSON.parse(body))).toMatchObject({
      scope: 'node',
      breakers: [
        { upstream: 'plain', mode: 'on' },
        { upstream: 'unguarded', mode: 'off', state: 'CLOSED' },
        { upstream: 'watched', mode: 'shadow' },
      ],
    });
    // One node on its own: there is no other it could hold for.
    const res = await post(gateway, { state: 'OPEN' }, '/admin/breakers/plain');
    expect(breakerChangeAnswer.parse(await res.json())).toMatchObject({ scope: 'node', state: 'OPEN' });
    expect((await get(gateway.port, '/a')).status).toBe(503);
  });
});
