import { fc, test } from '@fast-check/vitest';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { laneOf } from '../../src/shared/limits/store.contract.ts';
import type { Charge, Want } from '../../src/shared/limits/store.ts';
import { TakeSteps } from '../../src/shared/limits/take-steps.ts';
import type { Buckets } from '../../src/shared/limits/take-steps.ts';
import type { Bucket } from '../../src/shared/limits/token-bucket.ts';
import { readTakeReply, takeArguments, takeScriptWithTestClock } from '../../src/shared/limits/take-script.ts';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';

/** One call: time passes (microseconds, also backwards), limits may change, units are asked or given back. */
interface Step {
  readonly passUs: number;
  readonly units: number;
  readonly cost: number;
  readonly capacity: number;
  readonly rate: number;
  readonly second: boolean;
  /** The store is full, and the want may not make buckets. */
  readonly full: boolean;
  /** Owed by each rule: tokens, and for how many milliseconds. */
  readonly owed: readonly Charge[] | undefined;
}

const step: fc.Arbitrary<Step> = fc.record({
  // Bursts mixed with idle, and now and then a clock that is set back.
  passUs: fc.oneof(fc.nat(50), fc.nat(5_000), fc.nat(20_000_000), fc.integer({ min: -3_000_000, max: 0 })),
  units: fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: -5, max: 40 })),
  cost: fc.constantFrom(1, 1, 1, 2, 7),
  capacity: fc.constantFrom(10, 10, 10, 10, 25, 3, 0),
  rate: fc.constantFrom(5, 5, 5, 0.1, 1_000, 1 / 3),
  second: fc.boolean(),
  full: fc.oneof(fc.constant(false), fc.boolean()),
  owed: fc.option(
    fc.array(
      fc.record({
        tokens: fc.oneof(fc.constant(0), fc.nat(40), fc.nat(2)),
        // A microsecond is as exact as times are written.
        ageMs: fc.oneof(fc.nat(20_000_000), fc.nat(9_000)).map((us) => us / 1_000),
      }),
      { minLength: 2, maxLength: 2 },
    ),
    { nil: undefined, freq: 3 },
  ),
});

/** Buckets that never vanish, as Redis keeps them while a test's clock runs ahead of its own. */
function plainBuckets(room: { isFull: boolean }): Buckets {
  const kept = new Map<string, Bucket>();
  return {
    load: (_, key, into) => Object.assign(into, kept.get(key)) && kept.has(key),
    hasRoom: () => !room.isFull,
    save: (_, key, bucket) => void kept.set(key, { ...bucket }),
  };
}

const START_MS = 1_700_000_000_000;

describe('the Lua script and token-bucket.ts', () => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis[Symbol.asyncDispose]());

  test.prop([fc.array(step, { minLength: 1, maxLength: 60 })], { numRuns: 150 })(
    'agree on every grant and every level of any history',
    async (history) => {
      await redis.client.flushall();
      let nowUs = START_MS * 1000;
      const room = { isFull: false };
      const steps = new TakeSteps(plainBuckets(room));
      const sent: { want: Want; reply: Promise<unknown> }[] = [];
      const expected: { granted: number | 'new'; left: number[]; unpaid: number[] }[] = [];
      for (const { passUs, units, cost, capacity, rate, second, owed, full } of history) {
        nowUs += passUs;
        const rule = { capacity, refillPerSecond: rate };
        const lane = second
          ? laneOf(cost, rule, { name: 'daily', capacity: 30, refillPerSecond: 0.5 })
          : laneOf(cost, rule);
        const charges = owed?.slice(0, lane.rules.length);
        room.isFull = full;
        const granted = steps.take(lane, { units, charges }, nowUs / 1000);
        expected.push({
          granted: granted ?? 'new',
          left: steps.left.slice(0, lane.rules.length),
          unpaid: charges === undefined ? [] : steps.unpaid.slice(0, lane.rules.length),
        });
        const theirs: Want = { client: 'c', lane, units, charges, unpaid: [], granted: 0, left: [] };
        const [keys, ...rest] = takeArguments([theirs], (client, suffix) => `k:${client}${suffix}`, full);
        const split = 1 + Number(keys);
        const args = [...rest.slice(0, split - 1), nowUs / 1000, ...rest.slice(split - 1)];
        sent.push({ want: theirs, reply: redis.client.eval(takeScriptWithTestClock.source, Number(keys), ...args) });
      }
      for (const [i, { want, reply }] of sent.entries()) {
        expect(readTakeReply(await reply, [want])).toEqual({ unusable: [], damagedBuckets: 0 });
        expect(want.isNew === true ? 'new' : want.granted).toBe(expected[i]?.granted);
        if (want.isNew === true) continue;
        const inMillionths = (tokens: number): number => Math.floor(tokens * 1_000_000) / 1_000_000;
        expect(want.left).toEqual(expected[i]?.left.map(inMillionths));
        expect(want.unpaid).toEqual(expected[i]?.unpaid.map(inMillionths));
      }
    },
  );

  test('a debt under a limit of no tokens leaves nothing unpaid, also where the clock was set back', async () => {
    const take = async (want: Partial<Want>, atMs: number): Promise<Want> => {
      const theirs: Want = { client: 'z', lane: laneOf(2, {}), units: 0, granted: 0, left: [], unpaid: [], ...want };
      const [keys, key, ...args] = takeArguments([theirs], (client) => `k:${client}`);
      const reply = redis.client.eval(takeScriptWithTestClock.source, Number(keys), String(key), atMs, ...args);
      readTakeReply(await reply, [theirs]);
      return theirs;
    };
    expect(
      (await take({ lane: laneOf(2, { capacity: 10, refillPerSecond: 1_000 }), units: 5 }, START_MS)).granted,
    ).toBe(5);
    const none = { lane: laneOf(1, { capacity: 0, refillPerSecond: 1_000 }), charges: [{ tokens: 1, ageMs: 0 }] };
    expect((await take(none, START_MS - 0.5)).unpaid).toEqual([0]);
  });

  test('a client with nothing left waits for its tokens and no longer where the clock was set back an hour', async () => {
    const lane = laneOf(1, { capacity: 5, refillPerSecond: 1 });
    const steps = new TakeSteps(plainBuckets({ isFull: false }));
    const grantedBy = async (units: number, atMs: number): Promise<number> => {
      const want: Want = { client: 'back', lane, units, granted: 0, left: [] };
      const [keys, key, ...args] = takeArguments([want], (client) => `k:${client}`);
      readTakeReply(await redis.client.eval(takeScriptWithTestClock.source, Number(keys), String(key), atMs, ...args), [
        want,
      ]);
      expect(steps.take(lane, { units }, atMs)).toBe(want.granted);
      return want.granted;
    };
    expect(await grantedBy(9, START_MS)).toBe(5);
    const back = START_MS - 3_600_000;
    const seen: number[] = [];
    for (const ms of [0, 400, 900, 1_000, 1_500, 2_100, 9_000]) seen.push(await grantedBy(9, back + ms));
    expect(seen).toEqual([0, 0, 0, 1, 0, 1, 5]);
    expect(await redis.client.pttl('k:back')).toBeLessThan(60_000);
  });

  test('state is a readable hash that outlives its refill', async () => {
    const want: Want = {
      client: 'r',
      lane: laneOf(3, { capacity: 100, refillPerSecond: 0.5 }),
      units: 2,
      granted: 0,
      left: [],
    };
    const [keys, key, ...args] = takeArguments([want], (client) => `k:${client}`);
    await redis.client.eval(takeScriptWithTestClock.source, Number(keys), String(key), START_MS + 0.125, ...args);
    expect(await redis.client.hgetall('k:r')).toEqual({
      tokens: '94',
      updated_ms: '1700000000000.125',
      capacity: '100',
      rate: '0.5',
    });
    expect(await redis.client.pttl('k:r')).toBeGreaterThan(200_000);
  });

  test('a key of another type is one full bucket, not a failed batch', async () => {
    await redis.client.set('k:odd', 'text');
    const lane = laneOf(1, {});
    const wants: Want[] = ['odd', 'even'].map((client) => ({ client, lane, units: 3, granted: 0, left: [] }));
    const [keys, ...args] = takeArguments(wants, (client) => `k:${client}`);
    const split = Number(keys);
    const reply = await redis.client.eval(
      takeScriptWithTestClock.source,
      split,
      ...args.slice(0, split),
      START_MS,
      ...args.slice(split),
    );
    expect(readTakeReply(reply, wants)).toEqual({ unusable: [], damagedBuckets: 1 });
    expect(wants.map((want) => want.granted)).toEqual([3, 3]);
  });
});
