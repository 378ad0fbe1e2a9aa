import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { BackupAbilities } from '../../src/primary/backups/backup-abilities.ts';
import { BackupNumbers } from '../../src/primary/backups/backup-numbers.ts';
import { readCatalog } from '../../src/shared/backups/catalog.ts';
import { startRedis } from '../support/redis.ts';
import { AT_ONCE, backupSetting, DAY_MS, SLOT_MS } from './setting.ts';

test('a node is able where it can prove, a stand-in where it can store, unable where it cannot', async () => {
  await using redis = await startRedis();
  await using setting = await backupSetting({ REDIS_URL: `redis://127.0.0.1:${redis.port}` });
  const { config } = setting.parts;
  const of = () => new BackupAbilities().of('redis', config, setting.redis);
  expect(await of()).toEqual({ can: 'able', reason: '' });

  const bin = await mkdtemp(join(tmpdir(), 'gateway-bin-'));
  await writeFile(join(bin, 'redis-server'), '#!/bin/sh\necho "Redis server v=6.2.7 sha=0"\n');
  await chmod(join(bin, 'redis-server'), 0o755);
  const path = process.env['PATH'] ?? '';
  try {
    process.env['PATH'] = `${bin}:${path}`;
    expect(await of()).toEqual({ can: 'stand-in', reason: expect.stringMatching(/is 6\.2\.7$/) });
    process.env['PATH'] = '/nowhere';
    expect(await of()).toEqual({ can: 'stand-in', reason: 'there is no redis-server on this node' });
    const files = { ...config, files: ['/etc'] };
    expect(await new BackupAbilities().of('full', files, setting.redis)).toMatchObject({ can: 'unable' });
  } finally {
    process.env['PATH'] = path;
    await rm(bin, { recursive: true });
  }

  const blocked = { ...config, store: { kind: 'directory', path: '/dev/null/folder' } } as const;
  expect(await new BackupAbilities().of('redis', blocked, setting.redis)).toEqual({
    can: 'unable',
    reason: expect.stringMatching(/^BACKUP_DIR cannot be written: ENOTDIR/),
  });
});

test('numbers come from the store', async () => {
  await using redis = await startRedis(AT_ONCE);
  await using setting = await backupSetting({ REDIS_URL: `redis://127.0.0.1:${redis.port}` });
  const { verification, finished } = await setting.make();
  await setting.make({ kind: 'full', slotMs: SLOT_MS - DAY_MS });
  const numbers = new BackupNumbers();
  const { signal } = new AbortController();
  const { backups } = await readCatalog(setting.parts.store, { tempDir: setting.tempDir, signal });
  numbers.read(backups);
  expect(numbers.ofStore.get('redis')).toEqual({
    successSeconds: Date.parse(finished) / 1000,
    verifiedSeconds: Date.parse(verification.result === 'verified' ? verification.at : '') / 1000,
    unverified: undefined,
    bytes: backups[0]?.bytes,
  });
  expect(numbers.warnings).toEqual([]);
  expect([...numbers.ofStore.keys()]).toEqual(['redis', 'full']);
});
