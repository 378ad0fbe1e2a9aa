import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { BREAKER_KEY } from '../../src/shared/redis/keys.ts';
import { OUTCOME } from '../../src/shared/breaker/outcome.ts';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { QUICK_RULE, startNode } from './nodes.ts';
import type { TestNode } from './nodes.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { quietFor, stopwatch, until } from '../support/wait.ts';

const { FAILURE, SUCCESS } = OUTCOME;
const MINUTE = 60_000;

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
beforeEach(async () => {
  await redis.client.flushall();
});
afterAll(async () => {
  await redis[Symbol.asyncDispose]();
});

const joined = (node: TestNode): Promise<number> => until(() => node.front.scope() === 'cluster');
const forcedAt = (node: TestNode): string | undefined => node.front.view()[0]?.forced?.state;
const force = (node: TestNode, state: 'OPEN' | 'CLOSED' | 'AUTO', forMs = MINUTE) =>
  node.front.force('api', { state, forMs }, 'a test');
const notices = (node: TestNode) => node.notices.flatMap((notice) => (notice.type === 'forced' ? [notice.change] : []));
describe('three nodes on one Redis', () => {
  test('OPEN refuses everywhere, and good probes do not close it; AUTO lets probes decide', async () => {
    using first = startNode({ redisPort: redis.port });
    using second = startNode({ redisPort: redis.port });
    using third = startNode({ redisPort: redis.port });
    const nodes = [first, second, third];
    await Promise.all(nodes.map(joined));
    const outcome = await force(first, 'OPEN');
    expect(outcome?.scope).toBe('cluster');
    expect(outcome?.view).toMatchObject({ state: 'OPEN', reason: 'operator', forced: { state: 'OPEN' } });
    await until(() => nodes.every((node) => node.state() === 'OPEN'), { withinMs: 1_000 });
    await quietFor(1_500, 'longer than an opening of its own would last, and a re-read of each node');
    for (const node of nodes) {
      expect(await node.succeed(2)).toEqual(['refused', 'refused']);
      const retryAfter = node.gates[0]?.retryAfterSeconds(node.place);
      const leftMs = node.front.view()[0]?.forced?.remainingMs ?? 0;
      expect(leftMs).toBeLessThanOrEqual(MINUTE - 1_400); // a node knows the time of Redis to some milliseconds
      // Whole seconds, rounded up; one may have ended between the two looks.
      expect([0, 1].map((ended) => Math.ceil(leftMs / 1_000) + ended)).toContain(retryAfter);
      expect(retryAfter).toBeLessThan(60);
    }
    await force(second, 'AUTO');
    await until(() => nodes.every((node) => node.state() === 'HALF_OPEN'), { withinMs: 1_000 });
    expect(await third.succeed(2)).toEqual([SUCCESS, SUCCESS]);
    await until(() => nodes.every((node) => node.state() === 'CLOSED'), { withinMs: 500 });
    expect(notices(first)).toMatchObject([
      { upstream: 'api', state: 'OPEN', scope: 'cluster', by: 'a test' },
      { upstream: 'api', state: 'AUTO', forMs: 0, scope: 'cluster', by: undefined },
    ]);
    expect(notices(third).map(({ state, by }) => [state, by])).toEqual([
      ['OPEN', undefined],
      ['AUTO', undefined],
    ]);
  });

  test('CLOSED lets a failing upstream be called from every node; at its end the count begins at 0', async () => {
    using first = startNode({ redisPort: redis.port, rule: { resetTimeoutMs: MINUTE } });
    using second = startNode({ redisPort: redis.port, rule: { resetTimeoutMs: MINUTE } });
    const nodes = [first, second];
    await Promise.all(nodes.map(joined));
    await first.fail(5);
    await until(() => second.state() === 'OPEN');
    await force(second, 'CLOSED', 1_200);
    await until(() => first.state() === 'CLOSED', { withinMs: 1_000 });
    for (const node of nodes) expect(await node.fail(20)).toEqual(Array<number>(20).fill(FAILURE));
    expect(await redis.client.hget(BREAKER_KEY, 'api:failures')).toBe('0');
    await until(() => nodes.every((node) => forcedAt(node) === undefined), { withinMs: 2_500 });
    await until(async () => (await redis.client.hget(BREAKER_KEY, 'api:forced')) === null);
    await first.fail(4);
    await quietFor(100, 'time in which a re-read must not bring it back');
    expect(nodes.map((node) => node.state())).toEqual(['CLOSED', 'CLOSED']);
    await first.fail(1);
    await until(() => second.state() === 'OPEN', { withinMs: 500 });
  });

  test('two operators at the same time: each word is told as that of who said it', async () => {
    using node = startNode({ redisPort: redis.port });
    await joined(node);
    const say = (state: 'OPEN' | 'CLOSED', by: string) => node.front.force('api', { state, forMs: MINUTE }, by);
    // Where another exchange is under way both words go with the next one, and only the last is told.
    for (let told = 0; told < 2;) {
      const before = notices(node).length;
      const outcomes = await Promise.all([say('OPEN', 'one'), say('CLOSED', 'other')]);
      expect(outcomes.map((outcome) => outcome?.scope)).toEqual(['cluster', 'cluster']);
      const words = notices(node).slice(before);
      told = words.length;
      expect(words.map(({ state, by }) => [state, by])).toEqual(
        [
          ['OPEN', 'one'],
          ['CLOSED', 'other'],
        ].slice(-told),
      );
    }
  });

  test('said anew it holds for the new time, not longer and not shorter', async () => {
    using first = startNode({ redisPort: redis.port });
    using second = startNode({ redisPort: redis.port });
    await Promise.all([joined(first), joined(second)]);
    await force(first, 'OPEN');
    const startMs = performance.now();
    await force(first, 'OPEN', 700);
    await until(() => first.state() === 'HALF_OPEN' && second.state() === 'HALF_OPEN', { withinMs: 1_500 });
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(699);
    expect(notices(second).map(({ state }) => state)).toEqual(['OPEN', 'OPEN', 'AUTO']);
  });

  test('DEL takes it away within a re-read, OPEN and CLOSED', async () => {
    using first = startNode({ redisPort: redis.port });
    using second = startNode({ redisPort: redis.port });
    await Promise.all([joined(first), joined(second)]);
    for (const state of ['OPEN', 'CLOSED'] as const) {
      await force(first, state);
      await until(() => forcedAt(second) === state, { withinMs: 1_000 });
      await redis.client.del(BREAKER_KEY);
      await until(() => forcedAt(first) === undefined && forcedAt(second) === undefined, { withinMs: 2_000 });
      expect([first.state(), second.state()]).toEqual(['CLOSED', 'CLOSED']);
      expect(first.front.view()[0]?.reason).toBe('reset');
    }
    expect((await first.fail(7)).filter((one) => one === FAILURE)).toHaveLength(5);
  });

  test('a node that starts obeys it, and a reload keeps it', async () => {
    using first = startNode({ redisPort: redis.port });
    await joined(first);
    await force(first, 'CLOSED');
    using late = startNode({ redisPort: redis.port });
    await until(() => forcedAt(late) === 'CLOSED', { withinMs: 1_000 });
    const rule = { ...QUICK_RULE, failureThreshold: 1 };
    for (const node of [first, late]) {
      node.front.configure([{ name: 'api', mode: 'on', rule, window: undefined }]);
      expect(await node.fail(9)).toEqual(Array<number>(9).fill(FAILURE));
    }
    await force(late, 'AUTO');
    await until(() => forcedAt(first) === undefined, { withinMs: 1_000 });
    expect(await first.fail(2)).toEqual([FAILURE, 'refused']);
  });

  test('a node that refuses alone, for want of a quorum, obeys too', async () => {
    const rule = { minNodes: 2, resetTimeoutMs: MINUTE };
    using alone = startNode({ redisPort: redis.port, liveNodes: 2, rule });
    using other = startNode({ redisPort: redis.port, liveNodes: 2, rule });
    await Promise.all([joined(alone), joined(other)]);
    await alone.fail(5);
    await until(() => alone.front.view()[0]?.scope === 'isolated');
    await force(other, 'CLOSED');
    await until(() => alone.state() === 'CLOSED' && forcedAt(alone) === 'CLOSED', { withinMs: 500 });
    expect(await alone.fail(9)).toEqual(Array<number>(9).fill(FAILURE));
    expect(alone.front.view()[0]?.scope).toBe('cluster');
  });

  test('what a node of a version without overrides does under it is put right at once', async () => {
    using node = startNode({ redisPort: redis.port });
    await joined(node);
    await force(node, 'CLOSED');
    // What its script would write and publish after its own threads have counted five failures.
    const epoch = Date.now() + 100;
    await redis.client.hset(BREAKER_KEY, { api: 'OPEN', 'api:written': 'OPEN', 'api:reason': 'x', 'api:epoch': epoch });
    const event = { upstream: 'api', from: 'CLOSED', to: 'OPEN', epoch, reason: 'x', node: 'old', time: epoch };
    const message = { type: 'circuit-breaker', ...event, failures: 5, open_for_ms: MINUTE };
    await redis.client.publish('api-gateway:events', JSON.stringify(message));
    await until(async () => (await redis.client.hget(BREAKER_KEY, 'api')) === 'CLOSED', { withinMs: 500 });
    await until(() => (node.front.view()[0]?.epoch ?? 0) > epoch);
    expect(notices(node)).toHaveLength(1); // that it was forced: putting it right is no news
    expect(node.notices.filter((notice) => notice.type === 'transition')).toEqual([]);
  });
});

describe('without Redis', () => {
  test('it holds in the process, and ends by itself', async () => {
    using node = startNode();
    expect(await force(node, 'CLOSED')).toMatchObject({ scope: 'node', view: { forced: { state: 'CLOSED' } } });
    expect(await node.fail(20)).toEqual(Array<number>(20).fill(FAILURE));
    await force(node, 'OPEN', 300);
    expect(await node.succeed(1)).toEqual(['refused']);
    await until(() => node.state() === 'HALF_OPEN', { withinMs: 600 });
    expect(await node.succeed(2)).toEqual([SUCCESS, SUCCESS]);
    await until(() => node.state() === 'CLOSED');
  });

  test('its end does not wait for the re-read of every second', async () => {
    using node = startNode();
    using watch = stopwatch();
    for (let i = 0; i < 5; i++) {
      await force(node, 'CLOSED', 50);
      await until(() => forcedAt(node) === undefined);
    }
    expect(watch.ms()).toBeLessThan(3_000); // five times up to a second each
  });

  test('an upstream there is no breaker for', async () => {
    using node = startNode();
    expect(await node.front.force('other', { state: 'OPEN', forMs: 1 }, 'a test')).toBe(undefined);
  });

  test('who waits for an answer gets one when the upstream leaves or the front closes', async () => {
    await using cable = await startTcpProxy(redis.port);
    using node = startNode({ redisPort: cable.port });
    await joined(node);
    cable.stall();
    const waiting = force(node, 'OPEN');
    node.front.configure([]);
    expect(await waiting).toBe(undefined);
  });
});

describe('when Redis goes away', () => {
  test.each(['OPEN', 'CLOSED'] as const)('a node keeps %s until its time is over', async (state) => {
    await using cable = await startTcpProxy(redis.port);
    using node = startNode({ redisPort: cable.port });
    await joined(node);
    await force(node, state, 1_500);
    cable.cut();
    await until(() => node.front.scope() === 'node');
    expect(node.front.view()[0]).toMatchObject({ state, forced: { state } });
    const want = state === 'OPEN' ? 'refused' : FAILURE;
    expect(await node.fail(9)).toEqual(Array<unknown>(9).fill(want));
    await until(() => forcedAt(node) === undefined, { withinMs: 2_000 });
    expect(node.state()).toBe(state === 'OPEN' ? 'HALF_OPEN' : 'CLOSED');
  });

  test.each([
    ['cut', (cable: { cut(): void }) => cable.cut()],
    ['stalled', (cable: { stall(): void }) => cable.stall()],
  ])('and %s, what is said is said to this node only; back again it holds for all', async (_how, disturb) => {
    await using cable = await startTcpProxy(redis.port);
    using cut = startNode({ redisPort: cable.port });
    using other = startNode({ redisPort: redis.port });
    await Promise.all([joined(cut), joined(other)]);
    disturb(cable);
    using watch = stopwatch();
    expect(await force(cut, 'OPEN')).toMatchObject({ scope: 'node', view: { state: 'OPEN' } });
    const saidMs = performance.now();
    expect(watch.ms()).toBeLessThan(2_500); // two exchanges at 500 ms
    expect(notices(cut)).toMatchObject([{ state: 'OPEN', scope: 'node', by: 'a test' }]);
    expect(await cut.succeed(1)).toEqual(['refused']);
    expect(await other.succeed(1)).toEqual([SUCCESS]);
    cable.mend();
    const cutMs = performance.now() - saidMs;
    await until(() => other.state() === 'OPEN' && cut.front.view()[0]?.scope === 'cluster', { withinMs: 3_000 });
    for (const node of [cut, other]) {
      const leftMs = node.front.view()[0]?.forced?.remainingMs ?? 0;
      expect(leftMs).toBeLessThanOrEqual(MINUTE - Math.floor(cutMs));
      expect(leftMs).toBeGreaterThan(MINUTE - 10_000);
    }
    expect(notices(cut)).toMatchObject([{ scope: 'node' }, { state: 'OPEN', scope: 'cluster', by: 'a test' }]);
    expect(notices(other)).toMatchObject([{ state: 'OPEN', scope: 'cluster', by: undefined }]);
    await quietFor(1_200, 'a re-read of each node: once it is known, it is not said again');
    await force(other, 'AUTO');
    await until(() => forcedAt(cut) === undefined);
    await quietFor(1_200, 'a re-read of each node changes nothing');
    expect([forcedAt(cut), forcedAt(other)]).toEqual([undefined, undefined]);
  });

  test('a word withdrawn while Redis hangs does not come back with Redis', async () => {
    using first = startNode({ redisPort: redis.port });
    using second = startNode({ redisPort: redis.port });
    await Promise.all([joined(first), joined(second)]);
    redis.kill('SIGSTOP');
    try {
      expect(await force(first, 'OPEN')).toMatchObject({ scope: 'node', view: { state: 'OPEN' } });
      expect(await force(first, 'AUTO')).toMatchObject({ scope: 'node', view: { forced: undefined } });
      expect(await first.succeed(2)).toEqual([SUCCESS, SUCCESS]);
      // How long a word may still be done is known as exactly as the first round trip was short.
      await quietFor(300, 'what Redis finds in the old connection is too old by then');
    } finally {
      redis.kill('SIGCONT');
    }
    const clustered = (node: TestNode) => node.front.view()[0]?.scope === 'cluster';
    await until(() => clustered(first) && clustered(second));
    await quietFor(1_200, 'a re-read of each node changes nothing');
    expect([first.state(), second.state()]).toEqual(['CLOSED', 'CLOSED']);
    expect(notices(second)).toEqual([]);
    expect(await redis.client.hget(BREAKER_KEY, 'api:forced')).toBe(null);
  });

  type Word = readonly ['cut' | 'other', 'OPEN' | 'CLOSED' | 'AUTO', number?];
  test.each<readonly [string, readonly Word[], 'OPEN' | 'CLOSED' | undefined]>([
    [
      'of the node that was cut off',
      [
        ['other', 'CLOSED'],
        ['cut', 'OPEN'],
      ],
      'OPEN',
    ],
    [
      'of the others',
      [
        ['cut', 'OPEN'],
        ['other', 'CLOSED'],
      ],
      'CLOSED',
    ],
    [
      'AUTO of the node that was cut off',
      [
        ['other', 'OPEN'],
        ['cut', 'OPEN'],
        ['cut', 'AUTO'],
      ],
      undefined,
    ],
    [
      'AUTO of the others',
      [
        ['cut', 'OPEN'],
        ['other', 'CLOSED'],
        ['other', 'AUTO'],
      ],
      undefined,
    ],
    [
      'AUTO of the others where nothing was forced',
      [
        ['cut', 'OPEN'],
        ['other', 'AUTO'],
      ],
      undefined,
    ],
    [
      'whose time is over',
      [
        ['other', 'OPEN'],
        ['cut', 'CLOSED', 50],
      ],
      undefined,
    ],
  ])('back again the last word holds: %s', async (_whose, words, want) => {
    await using cable = await startTcpProxy(redis.port);
    using cut = startNode({ redisPort: cable.port });
    using other = startNode({ redisPort: redis.port });
    const nodes = { cut, other };
    await Promise.all([joined(cut), joined(other)]);
    cable.cut();
    await until(() => cut.front.scope() === 'node');
    for (const [who, state, forMs] of words) {
      await force(nodes[who], state, forMs);
      await quietFor(20, 'the next word is said clearly later');
    }
    await quietFor(50, 'the last word is not the newest thing when Redis is back');
    cable.mend();
    await until(() => cut.front.view()[0]?.scope === 'cluster');
    await until(() => forcedAt(cut) === want && forcedAt(other) === want, { withinMs: 1_500 });
    await quietFor(1_200, 'a re-read of each node changes nothing');
    expect([forcedAt(cut), forcedAt(other)]).toEqual([want, want]);
  });

  test('what the cluster was told meanwhile reaches the node with the first exchange, over its own opinion', async () => {
    await using cable = await startTcpProxy(redis.port);
    using cut = startNode({ redisPort: cable.port, rule: { resetTimeoutMs: MINUTE } });
    using other = startNode({ redisPort: redis.port });
    await Promise.all([joined(cut), joined(other)]);
    cable.cut();
    await cut.fail(5);
    await until(() => cut.front.scope() === 'node');
    expect(cut.state()).toBe('OPEN');
    await force(other, 'CLOSED');
    cable.mend();
    await until(() => forcedAt(cut) === 'CLOSED' && cut.state() === 'CLOSED', { withinMs: 2_000 });
  });
});
