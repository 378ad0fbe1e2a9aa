import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { expectRefused } from '../cli/command.ts';
import { AT_ONCE } from '../backups/setting.ts';
import { backupPlace, fill, keysOf } from './setup.ts';
import type { BackupPlace } from './setup.ts';

let source: TestRedis;
let place: BackupPlace;
let id: string;
let root: string;
let data: string;
beforeAll(async () => {
  source = await startRedis(AT_ONCE);
  place = backupPlace(source);
  await fill(source);
  id = await place.backup();
  root = mkdtempSync(join(tmpdir(), 'gateway-data-dir-'));
});
afterAll(async () => {
  place[Symbol.dispose]();
  rmSync(root, { recursive: true });
  await source[Symbol.asyncDispose]();
});
beforeEach(() => {
  data = mkdtempSync(join(root, 'data-'));
});

const restore = (...args: readonly string[]) => place.run('restore', id, '--dir', data, ...args);
const AOF = { on: ['--appendonly', 'yes'], off: ['--appendonly', 'no'] } as const;

/** A Redis whose data lies there. */
const redisThere = (...args: readonly string[]): Promise<TestRedis> => startRedis(['--dir', data, ...args]);

async function oldData(aof: keyof typeof AOF): Promise<void> {
  await using old = await redisThere(...AOF[aof]);
  await old.client.set('old', 'data');
  await old.client.save();
}

describe.each(['on', 'off'] as const)('gateway restore --dir, with the append-only file %s', (aof) => {
  it('the next start has the backup and nothing else; the old data lies beside', async () => {
    await oldData(aof);
    const before = readdirSync(data).sort();
    const { code, stdout, stderr } = await restore();
    expect(code, stderr).toBe(0);
    await using redis = await redisThere(...AOF[aof]);
    expect(await keysOf(redis)).toEqual(await keysOf(source));
    expect(await redis.client.hgetall('api-gateway:limit-overrides')).toEqual(
      await source.client.hgetall('api-gateway:limit-overrides'),
    );
    // It goes on from there, over a restart too.
    await redis.client.set('later', '1');
    if (aof === 'off') await redis.client.save();
    await redis.restart();
    expect(await redis.client.get('later')).toBe('1');

    const kept = /^The old data is kept in (\S+)\.$/m.exec(stdout)?.[1] ?? '';
    expect(readdirSync(kept).sort()).toEqual(before);
  });
});

describe('a data directory', () => {
  it('that is empty works either way', async () => {
    expect((await restore()).stdout).toContain('There was no old data.');
    for (const aof of ['on', 'off'] as const) {
      await using redis = await redisThere(...AOF[aof]);
      expect(await redis.client.get('session:1')).toBe('not ours');
    }
  });

  it('in which a Redis works is left alone', async () => {
    await using redis = await redisThere(...AOF.on);
    await redis.client.set('mine', '1');
    const before = readdirSync(data).sort();
    expectRefused(await restore(), 1, new RegExp(`in use: .*process ${redis.pid}\\b.*Stop that Redis first`));
    expect(readdirSync(data).sort()).toEqual(before);
  });

  it('has names of its own: they are kept', async () => {
    const names = ['--appenddirname', 'aofs', '--appendfilename', 'log.aof', '--dbfilename', 'snap.rdb'];
    {
      await using old = await redisThere(...AOF.on, ...names);
      await old.client.set('old', 'data');
      await old.client.save();
    }
    expect((await restore()).stdout).toContain('Made: snap.rdb, aofs;');
    await using redis = await redisThere(...AOF.on, ...names);
    expect(await redis.client.get('session:1')).toBe('not ours');
    expect(await redis.client.get('old')).toBeNull();
  });

  it('is only looked at with --dry-run', async () => {
    await oldData('on');
    const before = readdirSync(data).sort();
    const { code, stdout } = await restore('--dry-run');
    expect(code).toBe(0);
    expect(stdout).toContain('Would be moved aside: appendonlydir, dump.rdb.');
    expect(readdirSync(data).sort()).toEqual(before);
  });

  it('is none, or holds what is not of Redis, which stays', async () => {
    expectRefused(await place.run('restore', id, '--dir', join(data, 'none')), 1, /is no folder/);
    writeFileSync(join(data, 'redis.conf'), 'mine');
    mkdirSync(join(data, 'other'));
    expect((await restore()).code).toBe(0);
    expect(readFileSync(join(data, 'redis.conf'), 'utf8')).toBe('mine');
    expect(existsSync(join(data, 'other'))).toBe(true);
    expectRefused(await restore('--force'), 64, /a data directory gets the whole snapshot/);
  });
});
