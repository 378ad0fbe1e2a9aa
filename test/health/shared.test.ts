import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { EVENTS_CHANNEL, HEALTH_KEY } from '../../src/shared/redis/keys.ts';
import { startLoad } from '../breaker-gateway/load.ts';
import type { Gateway } from '../support/gateway.ts';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { get } from '../support/requests.ts';
import { scriptedUpstream } from '../support/upstreams.ts';
import type { ScriptedUpstream } from '../support/upstreams.ts';
import { quietFor, until } from '../support/wait.ts';
import { startProber } from './prober.ts';
import type { TestProber } from './prober.ts';
import { HEALTH, seenBy, startNode, targetsOf, untilSeen } from './setup.ts';

/** One sweep for all nodes, asked for by the test as the jobs would. */

const UP = 'up, used';
const OUT = 'down, not used';
const NO_JOBS = { JOBS: 'off' };
/** So long an interval that no node probes for itself while a test runs; so long a time-out that a busy machine is not one. */
const RARELY = '{ path: /health, interval_seconds: 600, timeout_seconds: 2, healthy: 2, unhealthy: 2 }';

let redis: TestRedis;
let targets: ScriptedUpstream[];
const nodes: AsyncDisposable[] = [];
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis[Symbol.asyncDispose]());
beforeEach(async () => {
  await redis.client.flushall();
  targets = await Promise.all([scriptedUpstream(), scriptedUpstream()]);
});
afterEach(async () => {
  await Promise.all(nodes.splice(0).map((each) => each[Symbol.asyncDispose]()));
  await Promise.all(targets.map((each) => each[Symbol.asyncDispose]()));
});

const at = (n: number): ScriptedUpstream => {
  const found = targets[n];
  if (found === undefined) throw new Error('there are two');
  return found;
};
const urls = (): string[] => targets.map(({ url }) => url);

async function node(more: { readonly health?: string; readonly more?: string } = {}): Promise<Gateway> {
  const started = await startNode({ targets: urls(), health: RARELY, redis, env: NO_JOBS, ...more });
  nodes.push(started);
  await started.waitForLog(({ msg }) => String(msg).startsWith('circuit breakers: Redis answers'));
  return started;
}

async function prober(name = 'p', health = RARELY): Promise<TestProber> {
  const started = await startProber(name, { targets: urls(), health, redis });
  nodes.push(started);
  return started;
}

/** As if what was found had been found an interval ago: the next sweep finds all targets due. */
async function age(byMs = 600_000): Promise<void> {
  const all = await redis.client.hgetall(HEALTH_KEY);
  for (const [field, text] of Object.entries(all)) {
    if (field === '#sweep') continue;
    const value = JSON.parse(text) as { checked: string };
    const checked = new Date(Date.parse(value.checked) - byMs).toISOString();
    await redis.client.hset(HEALTH_KEY, field, JSON.stringify({ ...value, checked }));
  }
}

async function sweeps(from: TestProber, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await age();
    await from.sweep();
  }
}

const probes = (n: number): number => at(n).calls.filter(({ path }) => path === '/health').length;

describe('under 100 requests a second', () => {
  test('a wrong status is out on every node at once, and nobody fails', async () => {
    const [a, b, p] = [await node(), await node(), await prober()];
    await sweeps(p, 1);
    for (const each of [a, b]) await untilSeen(each, [UP, UP], 1_000);
    const load = startLoad([a.port, b.port], 100);
    await until(() => at(0).calls.length > 20 && at(1).calls.length > 20);
    at(1).onPath.set('/health', 503);
    await sweeps(p, 2);
    for (const each of [a, b]) await untilSeen(each, [UP, OUT], 1_000);
    expect((await targetsOf(b)).targets[1]).toMatchObject({ scope: 'cluster', by: 'p', why: 'status 503', inARow: 2 });
    await until(() => at(1).inFlight === 0);
    const [left, used] = [at(1).calls.length, at(0).calls.length];
    await until(() => at(0).calls.length > used + 100);
    expect(at(1).calls.length).toBe(left);
    at(1).onPath.delete('/health');
    await sweeps(p, 2);
    for (const each of [a, b]) await untilSeen(each, [UP, UP], 1_000);
    await load.stop();
    expect([...load.seen.keys()]).toEqual([200]);
  });

  test('silence takes it out only where nobody gets answers', async () => {
    const [busy, idle, p] = [await node(), await node(), await prober()];
    const load = startLoad([busy.port], 100);
    await until(() => at(0).calls.length > 20 && at(1).calls.length > 20);
    at(1).onPath.set('/health', 'hold');
    await sweeps(p, 2);
    await untilSeen(busy, [UP, 'down, used'], 1_000);
    await untilSeen(idle, [UP, OUT], 1_000);
    const before = at(1).calls.length;
    await until(() => at(1).calls.length > before + 20);
    for (let i = 0; i < 20; i++) expect((await get(idle.port)).status).toBe(200);
    await load.stop();
    expect([...load.seen.keys()]).toEqual([200]);
    // It speaks at last, and says no.
    at(1).release(200);
    at(1).onPath.set('/health', 503);
    await sweeps(p, 1);
    await untilSeen(busy, [UP, OUT], 1_000);
  });
});

test('the hash is what a person reads, in the time of Redis', async () => {
  const p = await prober();
  at(1).behaviour = 404;
  const listener = redis.client.duplicate();
  const events: unknown[] = [];
  await listener.subscribe(EVENTS_CHANNEL);
  listener.on('message', (_channel, message) => events.push(JSON.parse(message)));
  await sweeps(p, 2);
  const { '#sweep': sweep, ...stored } = await redis.client.hgetall(HEALTH_KEY);
  expect(Object.keys(stored).sort()).toEqual(
    urls()
      .map((url) => `api ${url}`)
      .sort(),
  );
  const [seconds] = await redis.client.time();
  const down = JSON.parse(stored[`api ${at(1).url}`] ?? '') as Record<string, unknown>;
  expect(down).toMatchObject({
    state: 'down',
    verdict: 'wrong',
    cause: 'status',
    why: 'status 404',
    in_a_row: 2,
    by: 'p',
  });
  expect(Math.abs(Date.parse(String(down['checked'])) / 1000 - Number(seconds))).toBeLessThan(30);
  expect(JSON.parse(sweep ?? '')).toMatchObject({ by: 'p' });
  await until(() => events.length >= 2);
  expect(events[0]).toMatchObject({ type: 'health' });
  listener.disconnect();
});

test('a slot is swept once, and a late one changes nothing', async () => {
  const [p, q] = [await prober('p'), await prober('q')];
  await redis.client.del(HEALTH_KEY);
  const [seconds] = await redis.client.time();
  const now = Number(seconds) * 1_000;
  await p.sweep(now);
  const before = [probes(0), probes(1)];
  await age();
  expect((await q.sweep(now)).summary).toContain('another node has made this sweep');
  expect((await q.sweep(now - 5_000)).summary).toContain('another node has made this sweep');
  expect([probes(0), probes(1)]).toEqual(before);
  expect((await q.sweep(now + 1_000)).summary).toContain('2 targets probed by q');
});

test('a node that is overtaken while it probes writes nothing over the newer sweep', async () => {
  const patient = RARELY.replace('timeout_seconds: 2', 'timeout_seconds: 60');
  const [slow, fast] = [await prober('slow', patient), await prober('fast')];
  const [seconds] = await redis.client.time();
  const now = Number(seconds) * 1_000;
  at(1).onPath.set('/health', 'hold');
  const first = slow.sweep(now);
  await until(() => at(1).inFlight === 1);
  at(1).onPath.set('/health', 200);
  await fast.sweep(now + 1_000);
  at(1).release(503);
  expect((await first).summary).toContain('another node has made this sweep');
  const stored = JSON.parse((await redis.client.hget(HEALTH_KEY, `api ${at(1).url}`)) ?? '') as {
    by: string;
    state: string;
  };
  expect(stored).toMatchObject({ by: 'fast', state: 'up' });
});

test('a run that another node has taken over writes nothing', async () => {
  const p = await prober();
  await expect(p.sweep(undefined, AbortSignal.abort(new Error('taken over')))).rejects.toThrow('taken over');
  expect(await redis.client.exists(HEALTH_KEY)).toBe(0);
});

test('deleted, it makes every target as good as new; of another type or by hand, it is nothing', async () => {
  const [a, p] = [await node({ health: HEALTH.replace('interval_seconds: 1', 'interval_seconds: 2') }), await prober()];
  at(1).onPath.set('/health', 503);
  await sweeps(p, 2);
  await untilSeen(a, [UP, OUT]);
  at(1).onPath.delete('/health');
  await redis.client.del(HEALTH_KEY);
  await until(async () => (await seenBy(a))[1] !== OUT);
  await redis.client.set(HEALTH_KEY, 'text');
  await p.sweep();
  expect(await redis.client.type(HEALTH_KEY)).toBe('hash');
  await redis.client.hset(HEALTH_KEY, `api ${at(1).url}`, 'down', '#sweep', '{"slot":"9999-01-01T00:00:00.000Z"}');
  expect((await p.sweep()).summary).toMatch(/targets? probed by p/);
});

test('works on a full Redis', async () => {
  const p = await prober();
  await redis.client.config('SET', 'maxmemory', '1mb');
  try {
    await p.sweep();
    expect(await redis.client.hlen(HEALTH_KEY)).toBe(3);
  } finally {
    await redis.client.config('SET', 'maxmemory', '0');
  }
});

describe('where nobody sweeps for all', () => {
  test('a node probes for itself after three intervals, and takes the cluster at its word again', async () => {
    const a = await node({ health: HEALTH });
    at(1).onPath.set('/health', 503);
    await untilSeen(a, [UP, OUT]);
    expect((await targetsOf(a)).targets.map(({ scope }) => scope)).toEqual(['node', 'node']);
    const p = await prober('p', HEALTH);
    at(1).onPath.delete('/health');
    await until(async () => {
      await p.sweep();
      return (await targetsOf(a)).targets.every(
        ({ scope, by, state }) => scope === 'cluster' && by === 'p' && state === 'up',
      );
    });
  });

  test('but not where somebody does', async () => {
    const a = await node();
    const p = await prober();
    await p.sweep();
    await untilSeen(a, [UP, UP]);
    await quietFor(1_000, 'the node must leave the probes to the other');
    expect((await targetsOf(a)).targets[0]).toMatchObject({ scope: 'cluster', by: 'p' });
    expect(probes(0)).toBe(1);
  });

  test('who cannot reach Redis leaves the sweep to others', async () => {
    await using own = await startRedis();
    const p = await startProber('p', { targets: urls(), health: HEALTH, redis: own });
    nodes.push(p);
    const [job] = p.health.jobs();
    const able = async (wanted: string): Promise<boolean> => (await job?.ability()) === wanted;
    await until(() => able('able'));
    own.kill('SIGKILL');
    await until(() => able('unable'));
    await own.restart();
    await until(() => able('able'));
  });

  test('Redis is killed: verdicts go on, made by each node', async () => {
    await using own = await startRedis();
    const a = await startNode({ targets: urls(), health: HEALTH, redis: own, env: NO_JOBS });
    nodes.push(a);
    const p = await startProber('p', { targets: urls(), health: HEALTH, redis: own });
    nodes.push(p);
    at(1).onPath.set('/health', 503);
    await until(async () => {
      await p.sweep();
      return (await targetsOf(a)).targets[1]?.scope === 'cluster' && (await seenBy(a))[1] === OUT;
    });
    own.kill('SIGKILL');
    at(1).onPath.delete('/health');
    await untilSeen(a, [UP, UP]);
    expect((await targetsOf(a)).targets.map(({ scope }) => scope)).toEqual(['node', 'node']);
    at(0).onPath.set('/health', 503);
    await untilSeen(a, [OUT, UP]);
  });
});

test('a node whose upstreams are not probed asks Redis nothing for it', async () => {
  const a = await node({ health: undefined as never });
  const asked: string[] = [];
  const monitor = await redis.client.monitor();
  monitor.on('monitor', (_time: string, args: string[]) => asked.push(args.join(' ')));
  await quietFor(1_500, 'nothing must be asked');
  monitor.disconnect();
  expect((await seenBy(a))[0]).toBe('unprobed, used');
  expect(asked.filter((command) => command.includes(HEALTH_KEY))).toEqual([]);
});

test('probes end the opening of a breaker early, and requests close it', async () => {
  const breaker = '{ probe: health, reset_timeout_seconds: 600, failure_threshold: 2, window: { error_rate: 0 } }';
  const a = await node({ health: HEALTH, more: `circuit_breaker: ${breaker}` });
  const p = await prober('p', HEALTH);
  for (const each of targets) each.behaviour = 503;
  await until(async () => (await get(a.port)).headers['x-circuit-breaker'] === 'OPEN');
  for (const each of targets) each.behaviour = 200;
  await until(async () => {
    await p.sweep();
    return (await get(a.port)).status === 200;
  });
  const moved = a.log.filter(({ msg }) => String(msg).startsWith('circuit breaker OPEN'));
  expect(moved.map(({ to, reason }) => `${String(to)} ${String(reason)}`)).toEqual(['HALF_OPEN health_probes']);
});
