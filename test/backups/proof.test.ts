import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { takeRdbSnapshot } from '../../src/shared/backups/snapshot/rdb-snapshot.ts';
import { talkTo } from '../../src/shared/backups/snapshot/ask-redis.ts';
import { proveLogical } from '../../src/shared/backups/verify/prove-logical.ts';
import { proveRdb } from '../../src/shared/backups/verify/prove-rdb.ts';
import { evidenceOf } from '../../src/shared/backups/verify/sample.ts';
import { openWorkDir } from '../../src/shared/backups/work-dir.ts';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { AT_ONCE, backupSetting } from './setting.ts';

const { signal } = new AbortController();

async function withRedis(redis: TestRedis) {
  const setting = await backupSetting({ REDIS_URL: `redis://127.0.0.1:${redis.port}` });
  const server = { host: '127.0.0.1', port: redis.port, config: setting.redis };
  return { setting, server, work: await openWorkDir(setting.tempDir) };
}

async function startFilled(): Promise<TestRedis> {
  const redis = await startRedis(AT_ONCE);
  for (let i = 0; i < 40; i++)
    await redis.client.hset(`api-gateway:rate-limit:${i}`, { t: `${i}.25`, at: 1_700_000 + i });
  return redis;
}

describe('a snapshot', () => {
  test('with one bit wrong anywhere is refused', async () => {
    await using redis = await startFilled();
    const { setting, server, work } = await withRedis(redis);
    await using _setting = setting;
    const path = join(work.path, 'good');
    await takeRdbSnapshot(server, path, { cpuShare: 1, signal });
    const good = await readFile(path);
    for (const at of [0, 5, 30, Math.floor(good.length / 2), good.length - 12, good.length - 1]) {
      const bad = Buffer.from(good);
      bad[at] = (bad[at] ?? 0) ^ 4;
      await writeFile(path, bad);
      const proof = proveRdb(path, { dir: join(work.path, `r${at}`), tasks: setting.parts.tasks, signal });
      await expect(proof, `byte ${at}`).rejects.toThrow(/redis-check-rdb refuses|redis-server does not load/);
    }
    await writeFile(path, good.subarray(0, -20));
    const proof = proveRdb(path, { dir: join(work.path, 'cut'), tasks: setting.parts.tasks, signal });
    await expect(proof).rejects.toThrow('redis-check-rdb refuses');
  });

  test('that a server shows other values for than it has itself would be found out', async () => {
    await using redis = await startFilled();
    const { setting, server, work } = await withRedis(redis);
    await using _setting = setting;
    const path = join(work.path, 'before');
    await takeRdbSnapshot(server, path, { cpuShare: 1, signal });
    await using talk = await talkTo(server, signal);
    const missing = async (): Promise<readonly number[]> =>
      setting.parts.tasks.run('find', { path, sought: await evidenceOf(talk.redis) }, signal);
    expect(await missing()).toEqual([]);
    for (let i = 0; i < 40; i++) await redis.client.hset(`api-gateway:rate-limit:${i}`, { t: `${i}.26` });
    expect(await missing()).toHaveLength(8);
  });
});

const SIZES = [
  ['small', 5],
  ['large', 700],
] as const;

/** Of each kind one that is written packed, and one that is too large for that; numbers, texts that compress, and bytes. */
async function fillAllKinds({ client }: TestRedis): Promise<void> {
  const bytes = Buffer.from([0, 255, 10, 13, 4, 128]);
  const text = 'a text that compresses, compresses, compresses, compresses';
  await client.mset({ number: '12345', text, big: '12345678901234567890' });
  await client.set('bytes', bytes);
  for (const [size, count] of SIZES) {
    const many = Array.from({ length: count }, (_, i) => i);
    await client.sadd(`${size}-numbers`, ...many);
    await client.sadd(`${size}-set`, bytes, text, ...many.map((i) => `member ${i}`));
    await client.zadd(`${size}-zset`, 'inf', text, '-inf', bytes, ...many.flatMap((i) => [i / 3, `member ${i}`]));
    await client.hset(
      `${size}-hash`,
      'text',
      text,
      ...many.flatMap((i) => [`field ${i}`, i % 2 === 0 ? i : `value ${i}`]),
    );
    await client.rpush(`${size}-list`, bytes, text, ...many.map((i) => (i % 2 === 0 ? i : `element ${i}`)));
    for (const i of many) await client.xadd(`${size}-stream`, `1000-${i + 1}`, 'field', `value ${i}`, 'n', i);
    await client.xgroup('CREATE', `${size}-stream`, 'group', '0');
    await client.xreadgroup('GROUP', 'group', 'consumer', 'COUNT', 3, 'STREAMS', `${size}-stream`, '>');
    await client.xdel(`${size}-stream`, (await client.xrange(`${size}-stream`, '-', '+', 'COUNT', 2))[1]?.[0] ?? '');
  }
}

const KINDS = ['numbers', 'set', 'zset', 'hash', 'list', 'stream'];
const EVERY = 4 + 2 * KINDS.length;
const LIMITS = ['hash-max-listpack-entries', 'zset-max-listpack-entries', 'set-max-intset-entries'];

describe('values of every kind are compared', () => {
  test.each([
    ['packed as by default', []],
    ['spread by a server with low limits', LIMITS.flatMap((limit) => [`--${limit}`, '2'])],
    ['packed by a server with high ones', LIMITS.flatMap((limit) => [`--${limit}`, '5000'])],
    ['that does not compress', ['--rdbcompression', 'no']],
    ['with short pieces of lists', ['--list-max-listpack-size', '3', '--stream-node-max-entries', '7']],
  ])('%s', async (_how, args) => {
    await using redis = await startRedis([...AT_ONCE, ...args]);
    await fillAllKinds(redis);
    const { setting, server, work } = await withRedis(redis);
    await using _setting = setting;
    const path = join(work.path, 'all');
    await takeRdbSnapshot(server, path, { cpuShare: 1, signal });
    const proof = await proveRdb(path, { dir: join(work.path, 'r'), tasks: setting.parts.tasks, signal });
    expect(proof).toEqual({ keysLoaded: EVERY, keysExpired: 0, valuesCompared: EVERY });
  });

  test('and one that is another is found, whatever it is', async () => {
    await using redis = await startRedis(AT_ONCE);
    await fillAllKinds(redis);
    const { setting, server, work } = await withRedis(redis);
    await using _setting = setting;
    const path = join(work.path, 'before');
    await takeRdbSnapshot(server, path, { cpuShare: 1, signal });
    await using talk = await talkTo(server, signal);
    const missing = async (): Promise<readonly number[]> =>
      setting.parts.tasks.run('find', { path, sought: await evidenceOf(talk.redis) }, signal);
    expect(await missing()).toEqual([]);
    const { client } = redis;
    const changes: readonly (() => Promise<unknown>)[] = SIZES.flatMap(([size, count]) => [
      () => client.srem(`${size}-numbers`, 3),
      () => client.sadd(`${size}-set`, 'one more'),
      () => client.zadd(`${size}-zset`, 'XX', ...Array.from({ length: count }, (_, i) => [i, `member ${i}`]).flat()),
      () => client.hset(`${size}-hash`, 'one more', 1),
      () => client.lset(`${size}-list`, 2, 'another'),
      () => client.xadd(`${size}-stream`, '*', 'field', 'another'),
    ]);
    for (const [i, change] of [() => client.append('text', 'x'), ...changes].entries()) {
      await change();
      expect(await missing(), `change ${i}`).toHaveLength(i + 1);
    }
  });
});

describe('a copy by key', () => {
  const header =
    '{"format":"api-gateway-keys","version":1,"redisVersion":"7.0.15","source":"a:1","database":0,"takenAtMs":1}';

  test.each([
    ['that is empty', '', 'it ends after 0 keys'],
    ['of another kind', '{"format":"other"}\n', 'it is no copy of keys'],
    ['that is cut', `${header}\n`, 'it ends after 0 keys, without its last line'],
    ['that has lost a key', `${header}\n{"keys":1}\n`, 'it has 0 keys and says 1'],
    ['with something else in it', `${header}\nhello\n`, 'line 2 is something else'],
    [
      'with a value that is none',
      `${header}\n{"key":"YQ==","dump":"YQ==","expiresAtMs":null}\n{"keys":1}\n`,
      'does not take a value',
    ],
  ])('%s is refused', async (_what, text, message) => {
    await using redis = await startRedis();
    const { setting, work } = await withRedis(redis);
    await using _setting = setting;
    const path = join(work.path, 'keys');
    await writeFile(path, text);
    await expect(proveLogical(path, { dir: join(work.path, 'r'), tasks: setting.parts.tasks, signal })).rejects.toThrow(
      message,
    );
  });
});
