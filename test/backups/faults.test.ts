import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { BackupNumbers } from '../../src/primary/backups/backup-numbers.ts';
import { readCatalog } from '../../src/shared/backups/catalog.ts';
import { takeRdbSnapshot } from '../../src/shared/backups/snapshot/rdb-snapshot.ts';
import { openWorkDir } from '../../src/shared/backups/work-dir.ts';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { AT_ONCE, backupSetting, DIST, SLOT_MS } from './setting.ts';
import type { BackupSetting } from './setting.ts';

const never = new AbortController().signal;

/** Of random texts, which do not compress: some megabytes. */
async function fillLarge({ client }: TestRedis): Promise<void> {
  await client.call('DEBUG', 'POPULATE', '60000', 'api-gateway:x', '60');
  await client.eval(
    "for i=1,3000 do redis.call('set','r'..i,redis.sha1hex(i)..redis.sha1hex(i+0.5)..redis.sha1hex(-i)) end",
    0,
  );
}

async function nothingIsLeft(setting: BackupSetting): Promise<void> {
  expect(await setting.names()).toEqual({ stored: [], temporary: [] });
}

describe('a backup that cannot be made says why, leaves nothing, and the next one works', () => {
  test('Redis is away', async () => {
    await using redis = await startRedis(AT_ONCE);
    await using proxy = await startTcpProxy(redis.port);
    await using setting = await backupSetting({ REDIS_URL: `redis://127.0.0.1:${proxy.port}` });
    proxy.cut();
    await expect(setting.make()).rejects.toMatchObject({ step: 'snapshot' });
    await nothingIsLeft(setting);
    proxy.mend();
    expect((await setting.make()).verification.result).toBe('verified');
  });

  test('Redis goes in the middle of the snapshot', async () => {
    await using redis = await startRedis(AT_ONCE);
    await fillLarge(redis);
    await using proxy = await startTcpProxy(redis.port);
    await using setting = await backupSetting({ REDIS_URL: `redis://127.0.0.1:${proxy.port}` });
    const cutOnce = ({ step, doneBytes = 0 }: { readonly step: string; readonly doneBytes?: number }): void => {
      if (step === 'snapshot' && doneBytes > 0) proxy.cut();
    };
    const making = setting.make({ report: cutOnce });
    await expect(making).rejects.toThrow(/^snapshot: .*127\.0\.0\.1:\d+ .*(closed the connection|failed)/);
    await nothingIsLeft(setting);
    proxy.mend();
    expect((await setting.make()).verification.result).toBe('verified');
  });

  test('Redis falls silent in the middle of the snapshot', async () => {
    await using redis = await startRedis(AT_ONCE);
    await fillLarge(redis);
    await using proxy = await startTcpProxy(redis.port);
    await using setting = await backupSetting({ REDIS_URL: `redis://127.0.0.1:${proxy.port}` });
    const server = { host: '127.0.0.1', port: proxy.port, config: setting.redis };
    await using work = await openWorkDir(setting.tempDir);
    const onBytes = (): void => proxy.strand();
    const taking = takeRdbSnapshot(server, join(work.path, 'a'), {
      cpuShare: 1,
      signal: never,
      onBytes,
      silenceMs: 1_000,
    });
    await expect(taking).rejects.toThrow(/127\.0\.0\.1:\d+ said nothing for 1 s$/);
  });

  test('Redis is started again in the middle of the snapshot', async () => {
    await using redis = await startRedis([...AT_ONCE, '--rdb-key-save-delay', '200']);
    await fillLarge(redis);
    await using setting = await backupSetting({ REDIS_URL: `redis://127.0.0.1:${redis.port}` });
    let again: Promise<void> | undefined;
    const making = setting.make({
      report: ({ step, doneBytes = 0 }) => {
        if (step === 'snapshot' && doneBytes > 0) again ??= redis.restart();
      },
    });
    await expect(making).rejects.toThrow(/^snapshot: /);
    await again;
    await nothingIsLeft(setting);
    await redis.client.set('a', 1);
    await redis.client.config('SET', 'rdb-key-save-delay', '0');
    expect((await setting.make()).files[0]?.keys).toBe(1);
  });

  test('the password is wrong', async () => {
    await using redis = await startRedis([...AT_ONCE, '--requirepass', 'right']);
    await using setting = await backupSetting({ REDIS_URL: `redis://:wrong@127.0.0.1:${redis.port}` });
    await expect(setting.make()).rejects.toThrow(/^snapshot: 127\.0\.0\.1:\d+ .*WRONGPASS/);
    await nothingIsLeft(setting);
  });

  test('there is no password', async () => {
    await using redis = await startRedis([...AT_ONCE, '--requirepass', 'right']);
    await using setting = await backupSetting({ REDIS_URL: `redis://127.0.0.1:${redis.port}` });
    await expect(setting.make()).rejects.toThrow(/NOAUTH/);
  });

  test('a file of BACKUP_FILES is missing', async () => {
    await using redis = await startRedis(AT_ONCE);
    await using setting = await backupSetting({
      REDIS_URL: `redis://127.0.0.1:${redis.port}`,
      BACKUP_FILES: `${import.meta.filename},/no/such/file,/nor/this`,
    });
    await expect(setting.make({ kind: 'full' })).rejects.toThrow(
      'files: BACKUP_FILES names what is not there: /no/such/file, /nor/this',
    );
    await nothingIsLeft(setting);
  });

  test('the disk is full', async () => {
    await using redis = await startRedis(AT_ONCE);
    await fillLarge(redis);
    await using setting = await backupSetting({ REDIS_URL: `redis://127.0.0.1:${redis.port}` });
    const env = {
      ...process.env,
      BACKUP_DIR: setting.dir,
      BACKUP_TEMP_DIR: setting.tempDir,
      REDIS_URL: `redis://127.0.0.1:${redis.port}`,
    };
    const script = resolve(import.meta.dirname, 'make-and-die.mjs');
    // A limit of the size of files stands for the disk: the system refuses the write at that byte, as a full one does.
    const child = spawn('prlimit', ['--fsize=100000', process.execPath, script, DIST, String(SLOT_MS), 'nowhere'], {
      env,
    });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    expect(await once(child, 'close')).toEqual([1, null]);
    expect(said).toMatch(/^snapshot\|snapshot: .*EFBIG/);
    await nothingIsLeft(setting);
    expect((await setting.make()).verification.result).toBe('verified');
  });
});

test('a store whose disk is full takes nothing of a file', async () => {
  await using redis = await startRedis(AT_ONCE);
  await using setting = await backupSetting({ REDIS_URL: `redis://127.0.0.1:${redis.port}` });
  const { store } = await fullStore(setting);
  expect(store).toMatch(/EFBIG/);
  expect(await setting.parts.store.list('', never)).toEqual([]);
  await nothingIsLeft(setting);
});

/** Has a process whose files are limited in size store a larger one. @returns what it says */
async function fullStore(setting: BackupSetting): Promise<{ readonly store: string }> {
  const script = `
    const [dist, dir, path] = process.argv.slice(1);
    const { DirectoryStore } = await import(dist + '/src/shared/backups/directory-store.js');
    const options = { signal: new AbortController().signal };
    await new DirectoryStore(dir).put('redis-a', { path, bytes: 1, sha256: '' }, options).catch((error) => console.log(error.message));`;
  const path = process.execPath; // some megabytes
  const command = ['--fsize=1000000', path, '--input-type=module', '-e', script, DIST, setting.dir, path];
  const child = spawn('prlimit', command, { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await once(child, 'close');
  return { store: said };
}

describe('a backup that cannot be proved here is stored, and says so', () => {
  test.each([
    [
      'is older than Redis',
      '#!/bin/sh\necho "Redis server v=6.2.7 sha=0"\n',
      /^Redis is \d+\.\d.*, and redis-server on this node is 6\.2\.7$/,
    ],
    ['does not say its version', '#!/bin/sh\necho hello\n', /^redis-server does not say which version it is$/],
  ])('redis-server %s', async (_how, program, reason) => {
    await using redis = await startRedis(AT_ONCE);
    await using setting = await backupSetting({ REDIS_URL: `redis://127.0.0.1:${redis.port}` });
    const bin = await mkdtemp(join(tmpdir(), 'gateway-bin-'));
    await writeFile(join(bin, 'redis-server'), program);
    await chmod(join(bin, 'redis-server'), 0o755);
    const path = process.env['PATH'] ?? '';
    try {
      process.env['PATH'] = `${bin}:${path}`;
      const { verification, files } = await setting.make();
      expect(verification).toEqual({ result: 'stored', reason: expect.stringMatching(reason) });
      expect(files[0]?.keys).toBeNull();
    } finally {
      process.env['PATH'] = path;
      await rm(bin, { recursive: true });
    }
    expect((await setting.names()).temporary).toEqual([]);
  });

  test('redis-check-rdb is of another family, and does not know the format', async () => {
    await using redis = await startRedis(AT_ONCE);
    await using setting = await backupSetting({ REDIS_URL: `redis://127.0.0.1:${redis.port}` });
    const bin = await mkdtemp(join(tmpdir(), 'gateway-bin-'));
    const said = "[offset 9] Can't handle RDB format version 80";
    const program = `#!/bin/sh\n[ "$1" = --version ] && exec echo "redis-check-rdb 99.0.0"\necho "${said}"\nexit 1\n`;
    await writeFile(join(bin, 'redis-check-rdb'), program);
    await chmod(join(bin, 'redis-check-rdb'), 0o755);
    const path = process.env['PATH'] ?? '';
    try {
      process.env['PATH'] = `${bin}:${path}`;
      const reason = "redis-check-rdb refuses the snapshot: Can't handle RDB format version 80";
      expect((await setting.make()).verification).toEqual({ result: 'stored', reason });
    } finally {
      process.env['PATH'] = path;
      await rm(bin, { recursive: true });
    }
    expect((await setting.names()).temporary).toEqual([]);
  });

  test('there is no redis-server', async () => {
    await using redis = await startRedis(AT_ONCE);
    await using setting = await backupSetting({ REDIS_URL: `redis://127.0.0.1:${redis.port}` });
    const path = process.env['PATH'] ?? '';
    try {
      process.env['PATH'] = '/nowhere';
      expect((await setting.make()).verification).toEqual({
        result: 'stored',
        reason: 'there is no redis-server on this node',
      });
    } finally {
      process.env['PATH'] = path;
    }
    expect(await readFile(join(setting.dir, 'redis-20261126T020000Z.manifest.json'), 'utf8')).toContain('"stored"');
    const { signal } = new AbortController();
    const { backups } = await readCatalog(setting.parts.store, { tempDir: setting.tempDir, signal });
    const numbers = new BackupNumbers();
    numbers.read(backups);
    const why = 'there is no redis-server on this node';
    expect(numbers.warnings).toEqual([`the newest redis backup is stored, but not verified: ${why}`]);
  });
});
