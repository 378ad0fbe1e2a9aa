import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readCatalog } from '../../src/shared/backups/catalog.ts';
import { tidyStore } from '../../src/shared/backups/prune.ts';
import { startRedis } from '../support/redis.ts';
import { until } from '../support/wait.ts';
import { AT_ONCE, BACKUP_PATIENCE_MS, backupSetting, DAY_MS, DIST, SLOT_MS } from './setting.ts';
import type { BackupSetting } from './setting.ts';

const never = new AbortController().signal;
const SCRIPT = resolve(import.meta.dirname, 'make-and-die.mjs');

async function runAndDie(setting: BackupSetting, redisPort: number, at: readonly string[]): Promise<unknown> {
  const child = spawn(process.execPath, [SCRIPT, DIST, String(SLOT_MS), ...at], {
    stdio: 'inherit',
    env: {
      ...process.env,
      BACKUP_DIR: setting.dir,
      BACKUP_TEMP_DIR: setting.tempDir,
      REDIS_URL: `redis://127.0.0.1:${redisPort}`,
    },
  });
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
  return signal;
}

/** Command lines of servers that load a snapshot from below this folder. */
const scratchServers = (tempDir: string): readonly string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')];
      } catch {
        return []; // it has ended meanwhile
      }
    })
    .filter((line) => line.includes(tempDir));

describe('a process that is killed', () => {
  test.each([
    ['prepare', ''],
    ['snapshot', ''],
    ['snapshot', ' bytes'],
    ['pack', ''],
    ['store', ''],
    ['store', ' bytes'],
    ['read back', ''],
    ['read back', ' bytes'],
    ['verify', ''],
    ['manifest', ''],
  ])('at %s%s leaves no half of a backup, and the next slot works', async (...at) => {
    await using redis = await startRedis(AT_ONCE);
    for (let i = 0; i < 100; i++) await redis.client.hset(`api-gateway:rate-limit:${i}`, { t: i, at: i });
    await using setting = await backupSetting({ REDIS_URL: `redis://127.0.0.1:${redis.port}` });
    expect(
      await runAndDie(
        setting,
        redis.port,
        at.map((word) => word.trim()).filter((word) => word !== ''),
      ),
    ).toBe('SIGKILL');
    const catalog = () => readCatalog(setting.parts.store, { tempDir: setting.tempDir, signal: never });
    expect((await catalog()).backups).toEqual([]);

    const next = await setting.make({ slotMs: SLOT_MS + DAY_MS });
    expect(next.verification.result).toBe('verified');
    await tidyStore(setting.parts, { nowMs: SLOT_MS + DAY_MS, signal: never });
    expect((await catalog()).backups.map(({ manifest }) => manifest.id)).toEqual([next.id]);
    expect(await setting.names()).toEqual({
      stored: [`${next.id}.manifest.json`, `${next.id}.rdb.gz`],
      temporary: [],
    });
  });

  test('while its server loads the snapshot takes the server with it', async () => {
    await using redis = await startRedis(AT_ONCE);
    await redis.client.call('DEBUG', 'POPULATE', '400000', 'k', '40');
    await using setting = await backupSetting({ REDIS_URL: `redis://127.0.0.1:${redis.port}` });
    const child = spawn(process.execPath, [SCRIPT, DIST, String(SLOT_MS), 'nowhere'], {
      stdio: 'ignore',
      env: {
        ...process.env,
        BACKUP_DIR: setting.dir,
        BACKUP_TEMP_DIR: setting.tempDir,
        REDIS_URL: `redis://127.0.0.1:${redis.port}`,
      },
    });
    const servers = (): readonly string[] =>
      scratchServers(setting.tempDir).filter((line) => line.includes('redis-server'));
    await until(() => servers().length > 0, { withinMs: BACKUP_PATIENCE_MS });
    child.kill('SIGKILL');
    await once(child, 'exit');
    await until(() => scratchServers(setting.tempDir).length === 0, { withinMs: BACKUP_PATIENCE_MS });
  });

  test('may be asked to stop instead, and stops at once', async () => {
    await using redis = await startRedis(AT_ONCE);
    await redis.client.call('DEBUG', 'POPULATE', '100000', 'k', '40');
    await using setting = await backupSetting({
      REDIS_URL: `redis://127.0.0.1:${redis.port}`,
      BACKUP_CPU_SHARE: '0.25',
    });
    for (const step of ['snapshot', 'pack', 'store', 'read back', 'verify']) {
      const stop = new AbortController();
      const making = setting.make({
        signal: stop.signal,
        report: (progress) => {
          if (progress.step === step) setImmediate(() => stop.abort(new Error('the process ends')));
        },
      });
      await expect(making).rejects.toThrow('the process ends');
      expect(scratchServers(setting.tempDir)).toEqual([]);
      expect((await setting.names()).temporary).toEqual([]);
    }
  });
});

test('files of a process that is at work are left alone', async () => {
  await using redis = await startRedis(AT_ONCE);
  await using setting = await backupSetting({ REDIS_URL: `redis://127.0.0.1:${redis.port}` });
  const both = await Promise.all([setting.make(), setting.make({ slotMs: SLOT_MS + DAY_MS })]);
  expect(both.map(({ verification }) => verification.result)).toEqual(['verified', 'verified']);
});
