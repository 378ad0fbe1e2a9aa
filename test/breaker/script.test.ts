import { fc, test } from '@fast-check/vitest';
import { afterAll, beforeAll, beforeEach, describe, expect } from 'vitest';
import { clientHistoryArbitrary, historyArbitrary } from '../../src/shared/breaker/machine.histories.ts';
import { parseClusterEvent } from '../../src/shared/redis/events.ts';
import { BREAKER_KEY, EVENTS_CHANNEL } from '../../src/shared/redis/keys.ts';
import { step } from '../../src/shared/breaker/machine.ts';
import { DEFAULT_RULE } from '../../src/shared/breaker/rule.ts';
import type { BreakerRule, BreakerWindow } from '../../src/shared/breaker/rule.ts';
import { syncScript } from '../../src/shared/breaker/sync-script.ts';
import { FRESH } from '../../src/shared/breaker/state.ts';
import type { BreakerOp, BreakerState } from '../../src/shared/breaker/state.ts';
import { snapshotOf } from '../../src/shared/breaker/sync.ts';
import { createRedisAuthority } from '../../src/primary/breaker/redis-authority.ts';
import { monotonicMs } from '../../src/shared/clock.ts';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { until } from '../support/wait.ts';

const RULE: BreakerRule = {
  ...DEFAULT_RULE,
  failureThreshold: 3,
  resetTimeoutMs: 1_000,
  permitMs: 500,
  openFactor: 2,
  openCapMs: 3_000,
};

const WINDOW: BreakerWindow = { windowMs: 1_000, minVolume: 5, errorRate: 0.5, slowRate: 0 };

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
  const { source: script } = syncScript;
  if (!script.includes(CLOCK)) throw new Error('the script takes its time from elsewhere: this test must follow');
  const fake = script.replace(CLOCK, 'local clock = { math.floor(ARGV[3] / 1000), (ARGV[3] % 1000) * 1000 }');
  const request = JSON.stringify({ node: 'a', liveNodes: 2, ...upstream });
  const [row] = (await redis.client.eval(fake, 1, key, EVENTS_CHANNEL, request, nowMs)) as unknown[][];
  return row ?? [];
}

describe('the script is the machine', () => {
  let run = 0;
  const minNodes = (n: number) => ({ ...RULE, minNodes: n });
  test.prop([fc.oneof(historyArbitrary, clientHistoryArbitrary)], { numRuns: 120 })(
    'over random histories, quorum of one and of two',
    async (history) => {
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
          const next = step(state, op, { rule, window: WINDOW, node, liveNodes: 2, nowMs, random });
          state = next.state;
          epochs.push(...next.transitions.map((t) => t.epoch));
          const row = await at(
            nowMs,
            { node, upstreams: [{ name: 'u', rule, window: WINDOW, random, ops: [op] }] },
            key,
          );
          const want = snapshotOf(state, nowMs, node);
          const granted = next.granted && op.op === 'ask' ? [op.permit] : [];
          const { kind, epoch, failures, openForMs, successes, trips } = want;
          expect(row.slice(0, 6)).toEqual([kind, String(epoch), failures, openForMs, successes, trips]);
          const { forced, narrow, calm } = want;
          expect(row.slice(8)).toEqual([forced?.state ?? '', forced?.forMs ?? 0, nowMs, narrow, calm, ...granted]);
        }
      }
    },
  );

  test('a clock that goes back keeps neither an opening nor a permit for ever', async () => {
    const t = 1_700_000_000_000;
    const day = 86_400_000;
    const sync = (nowMs: number, ...ops: BreakerOp[]) =>
      at(nowMs, { upstreams: [{ name: 'u', rule: RULE, random: 0, ops }] }, 'test:jump');
    await sync(t, { op: 'report', epoch: 0, failures: 3, success: false, trip: 'none' });
    expect((await sync(t - day, { op: 'look' })).slice(0, 4)).toEqual(['OPEN', String(t), 3, 1_000]);
    await sync(t - day + 1_000, { op: 'ask', permit: 'x' }, { op: 'ask', permit: 'y' });
    await sync(t - 2 * day, { op: 'look' });
    expect((await sync(t - 2 * day + 500, { op: 'ask', permit: 'z' })).slice(13)).toEqual(['z']);
    await sync(t - 2 * day + 600, { op: 'force', state: 'CLOSED', forMs: 5_000 });
    expect((await sync(t - 3 * day)).slice(8, 10)).toEqual(['CLOSED', 5_000]);
    expect((await sync(t - 3 * day + 5_000)).slice(8, 10)).toEqual(['', 0]);
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
  const half = await sync(t + 1_000, { op: 'ask', permit: 'x' });
  const closed = await sync(t + 1_001, { op: 'result', epoch: half.epoch, permit: 'x', outcome: 'success' });
  expect([opened.kind, half.kind, closed.kind]).toEqual(['OPEN', 'HALF_OPEN', 'CLOSED']);
  for (const old of [0, opened.epoch, half.epoch]) {
    expect(await sync(t + 1_002, report(old))).toEqual({ ...closed, failures: 0 });
  }
  expect((await sync(t + 1_003, report(closed.epoch))).kind).toBe('OPEN');
});

describe('the hash', () => {
  const client = () => createRedisAuthority(redis.client, { timeoutMs: 1_000, clock: monotonicMs, whyNot: () => '' });
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
    expect(seen.map(parseClusterEvent)).toMatchObject([
      { type: 'circuit-breaker-failures', upstream: 'u', failures: 2 },
      { type: 'circuit-breaker', upstream: 'u', from: 'CLOSED', to: 'OPEN', open_for_ms: 1_000, node: 'a' },
    ]);
    listener.disconnect();
  });

  test('DEL closes, and late ops of the old epoch bring nothing back', async () => {
    await redis.client.del(BREAKER_KEY);
    const { epoch } = await sync(report(3));
    await redis.client.del(BREAKER_KEY);
    expect(await sync({ op: 'renew', epoch, permit: 'x' })).toMatchObject({ kind: 'CLOSED', epoch: 0, failures: 0 });
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

  test('an epoch that somebody wrote at the end of what numbers can be costs no opening its narrowness', async () => {
    const t = 1_700_000_000_000;
    const sync = (...ops: BreakerOp[]) =>
      at(t, { upstreams: [{ name: 'u', rule: RULE, window: WINDOW, random: 0, ops }] }, 'test:epoch');
    for (const epoch of ['999999999999999', '99999999999999']) {
      await redis.client.del('test:epoch');
      await redis.client.hset('test:epoch', { u: 'CLOSED', 'u:written': 'CLOSED', 'u:epoch': epoch });
      const tally = { requests: 3, failed: 3, clients: [['c', 3, 3]] };
      await sync({
        op: 'report',
        epoch: Number(epoch),
        failures: 3,
        success: false,
        trip: 'none',
        tally,
      } as unknown as BreakerOp);
      const row = await sync({ op: 'look' });
      expect([row[0], row[1], row[11]]).toEqual(['OPEN', String(t), 'c']);
    }
  });

  describe('a number that is none counts as missing, in each field and each state', () => {
    const odd = [
      '',
      'nan',
      '-nan',
      'inf',
      '-inf',
      '-1',
      '-1e300',
      '1e300',
      '0x10',
      '1.5',
      ' 5',
      '5 ',
      '5x',
      '9'.repeat(16),
    ];
    const fields = 'failures opened_at open_until epoch trips successes forced_at forced_until'.split(' ');
    const t = 1_700_000_000_000;

    /** What comes of the hash: the answer at two times, and what stands in it then. */
    async function outcome(fieldsBefore: Readonly<Record<string, string>>): Promise<unknown> {
      await redis.client.del('test:odd');
      await redis.client.hset('test:odd', fieldsBefore);
      const rows: unknown[] = [];
      for (const nowMs of [t, t + 400]) {
        const ops: BreakerOp[] = [
          { op: 'ask', permit: 'x' },
          { op: 'ask', permit: 'y' },
          { op: 'ask', permit: 'z' },
          { op: 'report', epoch: 0, failures: 1, success: false, trip: 'none' },
        ];
        rows.push(await at(nowMs, { upstreams: [{ name: 'u', rule: RULE, random: 0, ops }] }, 'test:odd'));
      }
      return { rows, hash: await redis.client.hgetall('test:odd') };
    }

    test.each(fields.flatMap((field) => odd.map((value) => [field, value])))('%s: "%s"', async (field, value) => {
      for (const kind of ['CLOSED', 'OPEN', 'HALF_OPEN']) {
        for (const forced of kind === 'HALF_OPEN' ? [{}] : [{}, { 'u:forced': kind, 'u:reason': 'operator' }]) {
          const sound: Record<string, string> = {
            u: kind,
            'u:written': kind,
            'u:epoch': String(t - 9),
            'u:trips': '1',
            ...forced,
          };
          if (kind === 'OPEN') Object.assign(sound, { 'u:opened_at': String(t - 9), 'u:open_until': String(t + 300) });
          if ('u:forced' in sound)
            Object.assign(sound, { 'u:forced_at': String(t - 9), 'u:forced_until': String(t + 300) });
          const { [`u:${field}`]: _, ...without } = sound;
          expect(await outcome({ ...sound, [`u:${field}`]: value })).toEqual(await outcome(without));
        }
      }
    });
  });

  describe('with an override', () => {
    const force = (state: 'OPEN' | 'CLOSED' | 'AUTO', forMs = 60_000): BreakerOp => ({ op: 'force', state, forMs });
    beforeEach(() => redis.client.del(BREAKER_KEY));

    test('shows what was said and until when, and publishes it', async () => {
      const listener = redis.client.duplicate();
      const seen: string[] = [];
      await listener.subscribe(EVENTS_CHANNEL);
      listener.on('message', (_channel, message) => seen.push(message));
      await sync(force('OPEN'));
      const hash = await redis.client.hgetall(BREAKER_KEY);
      expect(hash).toMatchObject({ u: 'OPEN', 'u:forced': 'OPEN', 'u:reason': 'operator', 'u:node': 'a' });
      expect(Number(hash['u:forced_until']) - Number(hash['u:forced_at'])).toBe(60_000);
      expect(hash['u:open_until']).toBe(hash['u:forced_until']); // what older versions go by
      await sync(force('AUTO'));
      expect(await redis.client.hgetall(BREAKER_KEY)).not.toHaveProperty('u:forced');
      await until(() => seen.length === 2);
      expect(seen.map(parseClusterEvent)).toMatchObject([
        { from: 'CLOSED', to: 'OPEN', reason: 'operator', open_for_ms: 60_000, forced_for_ms: 60_000 },
        { from: 'OPEN', to: 'HALF_OPEN', reason: 'operator', forced_for_ms: 0 },
      ]);
      listener.disconnect();
    });

    test('of two words the one that was said last wins, in whatever order they come', async () => {
      const t = 1_700_000_000_000;
      const said = (state: 'OPEN' | 'CLOSED' | 'AUTO', saidMs: number, forMs = 60_000): BreakerOp => ({
        op: 'force',
        state,
        forMs,
        saidMs,
      });
      const run = async (nowMs: number, key: string, ...ops: BreakerOp[]) => {
        const row = await at(nowMs, { upstreams: [{ name: 'u', rule: RULE, random: 0, ops }] }, key);
        return [row[0], row[8], row[9]];
      };
      const open = said('OPEN', t);
      expect(await run(t + 100, 'test:w1', open)).toEqual(['OPEN', 'OPEN', 59_900]); // its end does not move
      expect(await run(t + 200, 'test:w1', said('CLOSED', t - 1))).toEqual(['OPEN', 'OPEN', 59_800]);
      expect(await run(t + 200, 'test:w1', said('AUTO', t - 1))).toEqual(['OPEN', 'OPEN', 59_800]);
      expect(await run(t + 300, 'test:w1', said('AUTO', t + 250))).toEqual(['HALF_OPEN', '', 0]);
      expect(await run(t + 400, 'test:w1', open)).toEqual(['HALF_OPEN', '', 0]);
      expect(await run(t + 400, 'test:w1', said('CLOSED', t + 350))).toEqual(['CLOSED', 'CLOSED', 59_950]);
      expect(await run(t + 90_000, 'test:w1', open)).toEqual(['CLOSED', '', 0]);
      // What is over when it comes takes the place of what was said before it all the same.
      expect(await run(t, 'test:w2', said('CLOSED', t - 10))).toEqual(['CLOSED', 'CLOSED', 59_990]);
      expect(await run(t + 90, 'test:w2', said('OPEN', t, 50))).toEqual(['CLOSED', '', 0]);
      // A time to come is now, also after the clock was set back.
      expect(await run(t, 'test:w3', said('OPEN', t + 5_000))).toEqual(['OPEN', 'OPEN', 60_000]);
      await run(t + 10, 'test:w3', said('AUTO', t + 10));
      expect(await run(t - 9_000, 'test:w3', said('OPEN', t - 9_000))).toEqual(['OPEN', 'OPEN', 60_000]);
    });

    test('what comes after its time is not done', async () => {
      const now = Date.now();
      const upstreams = [{ name: 'u', rule: RULE, random: 0, ops: [force('OPEN')] }];
      const request = (validUntilMs: number) => at(now, { validUntilMs, upstreams }, 'test:late').then((row) => row[0]);
      await expect(request(now - 1)).rejects.toThrow('LATE');
      expect(await redis.client.exists('test:late')).toBe(0);
      expect(await request(now)).toBe('OPEN');
    });

    test('DEL takes it away with the rest', async () => {
      await sync(force('OPEN'));
      await redis.client.del(BREAKER_KEY);
      expect(await sync({ op: 'look' })).toMatchObject({ kind: 'CLOSED', epoch: 0, forced: undefined });
      expect(await redis.client.exists(BREAKER_KEY)).toBe(0);
    });

    test.each([
      ['a person', { u: 'OPEN' }],
      ['a node of an older version', { u: 'OPEN', 'u:written': 'OPEN', 'u:reason': 'consecutive_failures' }],
      ['a node of an older version, half way', { u: 'HALF_OPEN', 'u:written': 'HALF_OPEN', 'u:reason': 'x' }],
    ])('what %s wrote meanwhile is put right', async (_who, fields) => {
      const { epoch } = await sync(force('CLOSED'));
      await redis.client.hset(BREAKER_KEY, fields);
      const right = await sync({ op: 'look' });
      expect(right).toMatchObject({ kind: 'CLOSED', reason: 'operator', forced: { state: 'CLOSED' } });
      expect(right.epoch).toBeGreaterThan(epoch);
      expect((await sync({ op: 'look' })).epoch).toBe(right.epoch);
    });

    test('which ran out while only older versions lived: they have moved it, and it is left at that', async () => {
      await sync(force('CLOSED', 1));
      await redis.client.hset(BREAKER_KEY, {
        u: 'OPEN',
        'u:written': 'OPEN',
        'u:reason': 'error_rate',
        'u:forced_until': 5,
      });
      const late = String(Date.now() + 60_000);
      await redis.client.hset(BREAKER_KEY, { 'u:opened_at': Date.now(), 'u:open_until': late });
      expect(await sync({ op: 'look' })).toMatchObject({ kind: 'OPEN', reason: 'error_rate', forced: undefined });
    });

    test('set by hand it holds; taken away by hand, probes decide', async () => {
      await redis.client.hset(BREAKER_KEY, { 'u:forced': 'open', 'u:forced_until': Date.now() + 60_000 });
      expect(await sync({ op: 'look' })).toMatchObject({ kind: 'OPEN', reason: 'operator', forced: { state: 'OPEN' } });
      await redis.client.hdel(BREAKER_KEY, 'u:forced', 'u:forced_until');
      expect(await sync({ op: 'look' })).toMatchObject({ kind: 'HALF_OPEN', reason: 'by_hand', forced: undefined });
    });

    test.each([
      ['no time', { 'u:forced': 'OPEN' }],
      ['no number', { 'u:forced': 'OPEN', 'u:forced_until': 'nan' }],
      ['no state', { 'u:forced': 'AJAR', 'u:forced_until': '9999999999999' }],
    ])('by hand with %s it is none', async (_what, fields) => {
      await redis.client.hset(BREAKER_KEY, fields);
      expect(await sync({ op: 'look' })).toMatchObject({ kind: 'CLOSED', forced: undefined });
      expect(await redis.client.hget(BREAKER_KEY, 'u:forced')).toBe(null);
    });

    test('by hand until the year 33658 it lasts a day', async () => {
      await redis.client.hset(BREAKER_KEY, { 'u:forced': 'CLOSED', 'u:forced_until': '999999999999999' });
      expect((await sync({ op: 'look' })).forced).toEqual({ state: 'CLOSED', forMs: 86_400_000 });
    });
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
