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
import { backupSetting } from './setting.ts';

const { signal } = new AbortController();

async function withRedis(redis: TestRedis) {
  const setting = await backupSetting({ REDIS_URL: `redis://127.0.0.1:${redis.port}` });
  const server = { host: '127.0.0.1', port: redis.port, config: setting.redis };
  return { setting, server, work: await openWorkDir(setting.tempDir) };
}

async function startFilled(): Promise<TestRedis> {
  const redis = await startRedis(['--repl-diskless-sync-delay', '0']);
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
    expect(await missing()).toHaveLength(32);
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
