import { test } from '@fast-check/vitest';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { historyArbitrary } from '../../src/shared/breaker/machine.histories.ts';
import { parseBreakerEvent } from '../../src/shared/breaker/events.ts';
import { BREAKER_KEY, EVENTS_CHANNEL } from '../../src/shared/breaker/keys.ts';
import { step } from '../../src/shared/breaker/machine.ts';
import { DEFAULT_RULE, type BreakerRule } from '../../src/shared/breaker/rule.ts';
import { readSyncScript } from '../../src/shared/breaker/script.ts';
import { FRESH, type BreakerOp, type BreakerState } from '../../src/shared/breaker/state.ts';
import { snapshotOf } from '../../src/shared/breaker/sync.ts';
import { createRedisAuthority } from '../../src/primary/breaker/redis-authority.ts';
import { startRedis, type TestRedis } from '../limits/redis-server.ts';
import { until } from './until.ts';

const RULE: BreakerRule = {
  ...DEFAULT_RULE,
  failureThreshold: 3,
  resetTimeoutMs: 1_000,
  leaseMs: 500,
  openFactor: 2,
  openCapMs: 3_000,
};

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  await redis[Symbol.asyncDispose]();
});

const CLOCK = "local clock = redis.call('TIME')";

/** One sync of one upstream at a time of the test's choosing. */
async function at(nowMs: number, upstream: object, key = BREAKER_KEY): Promise<unknown[]> {
  const script = readSyncScript();
  if (!script.includes(CLOCK)) throw new Error('the script takes its time from elsewhere: this test must follow');
  const fake = script.replace(CLOCK, 'local clock = { math.floor(ARGV[3] / 1000), (ARGV[3] % 1000) * 1000 }');
  const request = JSON.stringify({ node: 'a', liveNodes: 2, ...upstream });
  const [row] = (await redis.client.eval(fake, 1, key, EVENTS_CHANNEL, request, nowMs)) as unknown[][];
  return row ?? [];
}

describe('the script is the machine', () => {
  let run = 0;
  const minNodes = (n: number) => ({ ...RULE, minNodes: n });
  test.prop([historyArbitrary], { numRuns: 80 })('over random histories, quorum of one and of two', async (history) => {
    for (const rule of [minNodes(1), minNodes(2)]) {
      run += 1;
      const key = `test:${run}`;
      let state: BreakerState = FRESH;
      let nowMs = 1_700_000_000_000;
      const epochs = [0];
      for (const [i, item] of history.entries()) {
        nowMs += item.gapMs;
        const op = item.op(epochs[Math.max(0, epochs.length - 1 - item.epochsBack)] ?? 0, i);
        const { node, random } = item;
        const next = step(state, op, { rule, node, liveNodes: 2, nowMs, random });
        state = next.state;
        epochs.push(...next.transitions.map((t) => t.epoch));
        const row = await at(nowMs, { node, upstreams: [{ name: 'u', rule, random, ops: [op] }] }, key);
        const want = snapshotOf(state, nowMs);
        const granted = next.granted && op.op === 'ask' ? [op.lease] : [];
        const { kind, epoch, failures, openForMs, successes, trips } = want;
        expect(row.slice(0, 6)).toEqual([kind, String(epoch), failures, openForMs, successes, trips]);
        expect(row.slice(8)).toEqual(granted);
      }
    }
  });

  test('a clock that goes back keeps neither an opening nor a lease for ever', async () => {
    const t = 1_700_000_000_000;
    const day = 86_400_000;
    const sync = (nowMs: number, ...ops: BreakerOp[]) =>
      at(nowMs, { upstreams: [{ name: 'u', rule: RULE, random: 0, ops }] }, 'test:jump');
    await sync(t, { op: 'report', epoch: 0, failures: 3, success: false, trip: 'none' });
    expect((await sync(t - day, { op: 'look' })).slice(0, 4)).toEqual(['OPEN', String(t), 3, 1_000]);
    await sync(t - day + 1_000, { op: 'ask', lease: 'x' }, { op: 'ask', lease: 'y' });
    await sync(t - 2 * day, { op: 'look' });
    expect((await sync(t - 2 * day + 500, { op: 'ask', lease: 'z' })).slice(8)).toEqual(['z']);
  });
});

test('failures of an older epoch do not count against one that has closed since', async () => {
  const t = 1_700_000_000_000;
  const sync = async (nowMs: number, ...ops: BreakerOp[]) => {
    const rule = { ...RULE, halfOpenSuccesses: 1 };
    const [kind, epoch, failures] = await at(nowMs, { upstreams: [{ name: 'u', rule, random: 0, ops }] }, 'test:old');
    return { kind, epoch: Number(epoch), failures };
  };
  const report = (epoch: number): BreakerOp => ({ op: 'report', epoch, failures: 3, success: false, trip: 'none' });
  const opened = await sync(t, report(0));
  const half = await sync(t + 1_000, { op: 'ask', lease: 'x' });
  const closed = await sync(t + 1_001, { op: 'result', epoch: half.epoch, lease: 'x', outcome: 'success' });
  expect([opened.kind, half.kind, closed.kind]).toEqual(['OPEN', 'HALF_OPEN', 'CLOSED']);
  for (const old of [0, opened.epoch, half.epoch]) {
    expect(await sync(t + 1_002, report(old))).toEqual({ ...closed, failures: 0 });
  }
  expect((await sync(t + 1_003, report(closed.epoch))).kind).toBe('OPEN');
});

describe('the hash', () => {
  const client = () => createRedisAuthority(redis.client, 1_000);
  const sync = async (...ops: BreakerOp[]) => {
    const upstreams = [{ name: 'u', rule: RULE, random: 0, ops }];
    const [snapshot] = await client().sync({ node: 'a', liveNodes: 1, upstreams });
    if (snapshot === undefined) throw new Error('no answer');
    return snapshot;
  };
  const report = (failures: number): BreakerOp => ({ op: 'report', epoch: 0, failures, success: false, trip: 'none' });

  test('looking at what was never touched writes nothing', async () => {
    await redis.client.del(BREAKER_KEY);
    expect(await sync({ op: 'look' })).toMatchObject({ kind: 'CLOSED', epoch: 0 });
    expect(await redis.client.exists(BREAKER_KEY)).toBe(0);
  });

  test('has the fields a person reads, and every transition is published', async () => {
    await redis.client.del(BREAKER_KEY);
    const listener = redis.client.duplicate();
    const seen: string[] = [];
    await listener.subscribe(EVENTS_CHANNEL);
    listener.on('message', (_channel, message) => seen.push(message));
    await sync(report(2));
    await sync(report(1));
    const hash = await redis.client.hgetall(BREAKER_KEY);
    expect(hash).toMatchObject({ u: 'OPEN', 'u:failures': '3', 'u:reason': 'consecutive_failures', 'u:node': 'a' });
    expect(Number(hash['u:open_until']) - Number(hash['u:opened_at'])).toBe(1_000);
    expect(hash['u:epoch']).toBe(hash['u:opened_at']);
    await until(() => seen.length === 2);
    expect(seen.map(parseBreakerEvent)).toMatchObject([
      { type: 'circuit-breaker-failures', upstream: 'u', failures: 2 },
      { type: 'circuit-breaker', upstream: 'u', from: 'CLOSED', to: 'OPEN', open_for_ms: 1_000, node: 'a' },
    ]);
    listener.disconnect();
  });

  test('DEL closes, and late ops of the old epoch bring nothing back', async () => {
    await redis.client.del(BREAKER_KEY);
    const { epoch } = await sync(report(3));
    await redis.client.del(BREAKER_KEY);
    expect(await sync({ op: 'renew', epoch, lease: 'x' })).toMatchObject({ kind: 'CLOSED', epoch: 0, failures: 0 });
    expect(await redis.client.exists(BREAKER_KEY)).toBe(0);
  });

  test.each([
    ['OPEN', { openForMs: 1_000, trips: 1 }],
    ['HALF_OPEN', { successes: 0 }],
    ['CLOSED', { failures: 0 }],
  ])('%s by hand takes effect from any state, as a new epoch', async (kind, want) => {
    const states: (readonly BreakerOp[])[] = [[], [report(1)], [report(3)]];
    for (const before of states) {
      await redis.client.del(BREAKER_KEY);
      const from = await sync(...before);
      if (from.kind === kind) continue;
      await redis.client.hset(BREAKER_KEY, 'u', kind);
      const by = await sync({ op: 'look' });
      expect(by).toMatchObject({ kind, ...want, reason: 'by_hand' });
      expect(by.epoch).toBeGreaterThan(from.epoch);
      expect((await sync({ op: 'look' })).epoch).toBe(by.epoch);
    }
  });

  test('fields taken away by hand do not leave it open for ever', async () => {
    await redis.client.del(BREAKER_KEY);
    await sync(report(3));
    await redis.client.hdel(BREAKER_KEY, 'u:open_until', 'u:opened_at');
    expect((await sync({ op: 'look' })).openForMs).toBe(1_000);
    await redis.client.hdel(BREAKER_KEY, 'u');
    expect((await sync({ op: 'look' })).kind).toBe('CLOSED');
  });

  test('nonsense by hand is CLOSED, and an op of a newer version is passed over', async () => {
    await redis.client.del(BREAKER_KEY);
    await redis.client.hset(BREAKER_KEY, 'u', 'BROKEN', 'u:epoch', 'x', 'u:leases', '=,=');
    const odd = { op: 'of-tomorrow' } as unknown as BreakerOp;
    expect((await sync(odd)).kind).toBe('CLOSED');
  });

  test('works on a full Redis', async () => {
    await redis.client.del(BREAKER_KEY);
    await redis.client.config('SET', 'maxmemory', '1mb');
    try {
      expect((await sync(report(3))).kind).toBe('OPEN');
    } finally {
      await redis.client.config('SET', 'maxmemory', '0');
    }
  });

  test('SCRIPT FLUSH heals within the same call', async () => {
    await redis.client.script('FLUSH');
    await expect(sync({ op: 'look' })).resolves.toBeDefined();
  });
});
