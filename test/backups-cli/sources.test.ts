import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startCluster } from '../support/redis-cluster.ts';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { expectRefused } from '../cli/command.ts';
import { BANS_AND_BREAKERS, backupPlace, fill, keysOf } from './setup.ts';

let folder: string;
let target: TestRedis;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gateway-sources-'));
  target = await startRedis();
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await target[Symbol.asyncDispose]();
});

const newFolder = (): string => {
  const path = mkdtempSync(join(folder, 'data-'));
  mkdirSync(path, { recursive: true });
  return path;
};

it('a copy by key, where Redis gives no snapshot, is put back into a running Redis and into a data directory', async () => {
  await using source = await startRedis();
  await fill(source);
  await source.client.call('ACL', 'SETUSER', 'app', 'on', '>pw', '~*', '&*', '+@all', '-psync', '-sync');
  using place = backupPlace(source, { REDIS_URL: `redis://app:pw@127.0.0.1:${source.port}` });
  const id = await place.backup();
  expect((await place.run('backup', 'verify', id)).code).toBe(0);
  const to = `redis://127.0.0.1:${target.port}`;
  const into = await place.run('restore', id, '--target', to);
  expect(into.code, into.stderr).toBe(0);
  expect(await keysOf(target)).toEqual(BANS_AND_BREAKERS);
  // Key by key the end is told by what is left and a clock that was read before: never later, and by little earlier.
  const [end, was] = await Promise.all(
    [target, source].map(({ client }) => client.pexpiretime('api-gateway:limit-overrides')),
  );
  expect(end).toBeLessThanOrEqual(was ?? 0);
  expect(end).toBeGreaterThan((was ?? 0) - 60_000);
  const data = newFolder();
  const dir = await place.run('restore', id, '--dir', data);
  expect(dir.code, dir.stderr).toBe(0);
  expect(dir.stdout).toContain('It is a copy by key: only keys of the gateway are in it.');
  await using loaded = await startRedis(['--dir', data, '--appendonly', 'yes']);
  expect(await keysOf(loaded)).toEqual((await keysOf(source)).filter((key) => key !== 'session:1'));
});

it('a backup of a cluster goes into another Redis as one, and into a data directory for each primary', async () => {
  await target.client.flushall();
  await using cluster = await startCluster();
  for (const { client } of cluster.nodes) await client.config('SET', 'repl-diskless-sync-delay', '0');
  for (const key of [...BANS_AND_BREAKERS, ...Array.from({ length: 20 }, (_, i) => `api-gateway:config:${i}`)]) {
    // Each primary takes those keys whose slot it has.
    for (const { client } of cluster.nodes) await client.hset(key, { a: 'OPEN' }).catch(() => 0);
  }
  const [first] = cluster.nodes;
  using place = backupPlace(target, { REDIS_URL: `redis://127.0.0.1:${first?.port}`, REDIS_MODE: 'cluster' });
  const id = await place.backup();
  const into = await place.run('restore', id, '--all', '--target', `redis://127.0.0.1:${target.port}`);
  expect(into.code, into.stderr).toBe(0);
  expect(await keysOf(target)).toHaveLength(22);

  const data = newFolder();
  expectRefused(await place.run('restore', id, '--dir', data), 64, /has snapshots of .*, .*: name one with --source/);
  const one = await place.run('restore', id, '--dir', data, '--source', `127.0.0.1:${first?.port}`);
  expect(one.code, one.stderr).toBe(0);
  await using loaded = await startRedis(['--dir', data]);
  expect(await keysOf(loaded)).toEqual(first === undefined ? [] : await keysOf(first));
});
