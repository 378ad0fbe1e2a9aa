import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { laneOf } from '../../src/shared/limits/store.contract.ts';
import type { Want } from '../../src/shared/limits/store.ts';
import { readTakeReply, takeArguments, takeScript } from '../../src/shared/limits/take-script.ts';
import { plainBucketKey } from '../../src/shared/redis/keys.ts';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';

const lane = laneOf(1, { capacity: 10, refillPerSecond: 0.001 });

describe('whatever stands in a bucket', () => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis[Symbol.asyncDispose]());

  /** Takes three from the bucket of `odd` and, in the same script, from one that is well. */
  async function take(units = 3) {
    const wants: Want[] = ['odd', 'well'].map((client) => ({ client, lane, units, granted: 0, left: [] }));
    const [keys, ...args] = takeArguments(wants, plainBucketKey);
    const reply = readTakeReply(await redis.client.eval(takeScript.source, Number(keys), ...args), wants);
    return { reply, granted: wants.map((want) => want.granted), left: wants[0]?.left[0] };
  }

  const KEY = plainBucketKey('odd', '');
  const sound = (): Record<string, string> => ({
    tokens: '5',
    updated_ms: String(Date.now()),
    capacity: '10',
    rate: '0.001',
  });

  test.each<[string, Record<string, string>]>([
    ['nan', { tokens: 'nan' }],
    ['-nan', { tokens: '-nan' }],
    ['inf', { tokens: 'inf' }],
    ['-inf', { tokens: '-inf' }],
    ['1e308', { tokens: '1e308' }],
    ['more than the capacity', { tokens: '10.1' }],
    ['less than -capacity', { tokens: '-10.1' }],
    ['text', { tokens: 'many' }],
    ['nothing', { tokens: '' }],
    ['a time that is no number', { updated_ms: 'nan' }],
    ['a time without end', { updated_ms: 'inf' }],
    ['a capacity that is no number', { capacity: 'nan' }],
    ['a capacity without end, and a level to it', { capacity: 'inf', tokens: '1e300' }],
    ['a capacity below zero', { capacity: '-1' }],
  ])('a damaged bucket (%s) starts full, is counted once, and takes nobody along', async (_name, fields) => {
    await redis.client.flushall();
    await redis.client.hset(KEY, { ...sound(), ...fields });
    expect(await take()).toMatchObject({ reply: { damagedBuckets: 1, unusable: [] }, granted: [3, 3] });
    expect(await take()).toMatchObject({ reply: { damagedBuckets: 0 }, granted: [3, 3] });
    expect(await take(9)).toMatchObject({ granted: [4, 4] });
  });

  test('it heals also where nothing is granted', async () => {
    await redis.client.flushall();
    await redis.client.hset(KEY, { ...sound(), tokens: 'nan' });
    expect(await take(0)).toMatchObject({ reply: { damagedBuckets: 1 }, granted: [0, 0] });
    expect(await take(0)).toMatchObject({ reply: { damagedBuckets: 0 }, granted: [0, 0] });
  });

  test.each([
    ['-1', 0],
    ['-10', 0],
    ['0', 0],
    ['10', 3],
  ])('a level of %s is legal', async (tokens, granted) => {
    await redis.client.flushall();
    await redis.client.hset(KEY, { ...sound(), tokens });
    const taken = await take();
    expect(taken).toMatchObject({ reply: { damagedBuckets: 0 }, granted: [granted, 3] });
    expect(taken.left).toBeCloseTo(Number(tokens) - granted, 1);
  });

  test.each([
    ['ceiling', 'nan'],
    ['ceiling', 'inf'],
    ['ceiling', '-5'],
    ['spilled', 'nan'],
    ['spilled_ms', 'inf'],
  ])('a bucket whose %s is %s counts without it', async (field, value) => {
    await redis.client.flushall();
    await redis.client.hset(KEY, { ...sound(), capacity: '7', [field]: value });
    // Raised from 7 to 10: three more than stored.
    expect(await take(20)).toMatchObject({ reply: { damagedBuckets: 0 }, granted: [8, 10] });
  });

  test.each([
    ['below nothing', [-1, 4_000_000, 3, 0, 0]],
    ['more than was asked', [4, 4_000_000, 3, 0, 0]],
    ['a part of one', [0.5, 4_000_000, 3, 0, 0]],
    ['no number', ['3', 4_000_000, 3, 0, 0]],
    ['a level that is none', [3, Number.NaN, 3, 0, 0]],
  ])('a reply that grants %s is refused for that want alone', (_name, reply) => {
    const wants: Want[] = ['odd', 'well'].map((client) => ({ client, lane, units: 3, granted: 0, left: [] }));
    expect(readTakeReply(reply, wants)?.unusable).toEqual([wants[0]]);
    expect(wants[1]?.granted).toBe(3);
  });
});
