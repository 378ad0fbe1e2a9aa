import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startLimited } from '../limits-gateway/setup.ts';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { commandIn, expectRefused } from '../cli/command.ts';
import { AT_ONCE } from '../backups/setting.ts';
import { backupPlace, fill, keysOf } from './setup.ts';
import type { BackupPlace } from './setup.ts';

let redis: TestRedis;
let place: BackupPlace;
let id: string;
beforeAll(async () => {
  redis = await startRedis(AT_ONCE);
  place = backupPlace(redis);
  await fill(redis);
  id = await place.backup();
});
afterAll(async () => {
  place[Symbol.dispose]();
  await redis[Symbol.asyncDispose]();
});

const out = (name: string): string => join(place.folder, '..', name);

it('list shows what there is, and ends with 1 when the newest verified one is too old', async () => {
  const listed = await place.run('backup', 'list', '--max-age', '26h');
  expect(listed.code, listed.stderr).toBe(0);
  expect(listed.stdout).toMatch(new RegExp(`^${id} +\\S+ +\\S+ K?i?B +307 +\\S+ +verified$`, 'm'));
  const manifest = join(place.folder, `${id}.manifest.json`);
  const said = readFileSync(manifest, 'utf8');
  const unverified = JSON.parse(said) as { verification: unknown };
  unverified.verification = { result: 'stored', reason: 'nobody could' };
  writeFileSync(manifest, JSON.stringify(unverified));
  const late = await place.run('backup', 'list', '--max-age', '26h', '--json');
  expect(late.code).toBe(1);
  expect(late.stderr).toContain('There is no verified backup in');
  expect(JSON.parse(late.stdout)).toMatchObject({ newestVerified: null, tooOld: true, backups: [{ id }] });
  expect((await place.run('backup', 'list')).stdout).toContain('stored, not verified: nobody could');
  writeFileSync(manifest, said);
  // The same backup, as if it were of the year before.
  const old = id.replace(/^redis-\d{4}/, 'redis-2020');
  const folder = backupPlace(redis);
  for (const name of [`${id}.manifest.json`, `${id}.rdb.gz`]) {
    const data = readFileSync(join(place.folder, name));
    mkdirSync(folder.folder, { recursive: true });
    const renamed = name.endsWith('.json') ? Buffer.from(data.toString().replaceAll(id, old)) : data;
    writeFileSync(join(folder.folder, name.replace(id, old)), renamed);
  }
  expect((await folder.run('backup', 'verify', old)).code).toBe(0);
  const older = await folder.run('backup', 'list', '--max-age', '26h');
  expect(older.code).toBe(1);
  expect(older.stderr).toMatch(/The newest verified backup is \d+d( \d+h)? old, more than 1d 2h/);
  folder[Symbol.dispose]();
});

it('download brings it here as it is stored, or in the clear, and writes over nothing', async () => {
  const asStored = await place.run('backup', 'download', id, '--to', out('stored'));
  expect(asStored.code, asStored.stderr).toBe(0);
  expect(readdirSync(out('stored')).sort()).toEqual([`${id}.manifest.json`, `${id}.rdb.gz`]);
  expect((await place.run('backup', 'download', id, '--to', out('clear'), '--clear')).code).toBe(0);
  const rdb = join(out('clear'), `${id}.rdb`);
  expect(readFileSync(rdb)).toEqual(gunzipSync(readFileSync(join(out('stored'), `${id}.rdb.gz`))));
  expect(statSync(rdb).mode & 0o077).toBe(0);
  expectRefused(
    await place.run('backup', 'download', id, '--to', out('clear')),
    1,
    /is there already: nothing was written/,
  );
});

it('now --to takes a snapshot that redis-server loads, without a place for backups', async () => {
  const run = commandIn({ REDIS_URL: place.env['REDIS_URL'] ?? '' });
  const file = out('dump.rdb');
  const { code, stdout, stderr } = await run('backup', 'now', '--to', file);
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(/dump\.rdb: .*, 307 keys$/m);
  expect(statSync(file).mode & 0o077).toBe(0);
  await using loaded = await startRedis(['--dir', join(file, '..')]);
  expect(await keysOf(loaded)).toEqual(await keysOf(redis));
  expectRefused(await run('backup', 'now', '--to', file), 1, /is there already/);
  expectRefused(await run('backup', 'now', '--full', '--to', file), 64, /--to takes the snapshot of Redis alone/);
});

it('prune --dry-run says what would go, and prune removes it', async () => {
  const one = backupPlace(redis, { BACKUP_KEEP_DAILY: '1' });
  const first = await one.backup();
  let second = first;
  while (second === first) second = await one.backup(); // one a second: the same second has the same name
  const shown = await one.run('backup', 'prune', '--dry-run');
  expect(shown.stdout).toMatch(new RegExp(`^${second} +stays\n${first} +would go\n1 of 2 backups would go`, 'm'));
  expect(readdirSync(one.folder)).toHaveLength(4);
  expect((await one.run('backup', 'prune')).code).toBe(0);
  expect(readdirSync(one.folder).sort()).toEqual([`${second}.manifest.json`, `${second}.rdb.gz`]);
  one[Symbol.dispose]();
});

it('now asks the job of a gateway, which says who holds what', async () => {
  using theirs = backupPlace(redis);
  await using limited = await startLimited({ redis, env: { ...theirs.env, ADMIN_PORT: '0', NODE_NAME: 'node-a' } });
  const { gateway } = limited;
  const asking = { ADMIN_PORT: String(gateway.adminPort), STATE_DIR: gateway.stateDir };
  using here = backupPlace(redis, asking);
  const made = await here.run('backup', 'now');
  expect(made.code, made.stderr).toBe(0);
  const madeId = /redis-\d{8}T\d{6}Z/.exec(made.stdout)?.[0] ?? '';
  expect(made.stdout).toMatch(/verified .*\(by node-a, /);
  expect(readdirSync(theirs.folder)).toContain(`${madeId}.manifest.json`);
  const listed = await here.run('backup', 'list');
  expect(listed.stdout).toContain(`${madeId} is not here: the node node-a has made it`);
  expectRefused(await here.run('restore', madeId), 1, /The node node-a has made it.*Run this command on node-a/);
  expect((await backupPlace(redis, { ...theirs.env, ...asking }).run('backup', 'verify', madeId)).code).toBe(0);
  const alone = await here.run('backup', 'now', '--here');
  expect([alone.code, readdirSync(here.folder).length], alone.stderr).toEqual([0, 2]);
  const nobody = await here.run('backup', 'now', '--url', 'http://127.0.0.1:1');
  expectRefused(nobody, 69, /No gateway answers at http:\/\/127\.0\.0\.1:1/);
});

it('a wrong id, a place that is not named, a Redis that is not there: what to do', async () => {
  const verified = await place.run('backup', 'verify', 'latest');
  expect(verified.stdout, verified.stderr).toContain(`${id} is verified`);
  expectRefused(await place.run('backup', 'verify', 'last'), 64, /"last" is no id.*gateway backup list/);
  const none = 'redis-20200101T020000Z';
  expectRefused(await place.run('restore', none), 1, /There is no backup redis-20200101T020000Z in .*\n.*do not share/);
  expectRefused(await commandIn({})('backup', 'list'), 78, /Neither BACKUP_DIR nor BACKUP_S3_URL is set/);
  expectRefused(await commandIn({ BACKUP_DIR: 'b' })('backup', 'list'), 78, /BACKUP_DIR: got "b"/);
  expectRefused(await commandIn({ BACKUP_DIR: place.folder })('backup', 'now', '--here'), 78, /REDIS_URL is not set/);
  const back = await commandIn({ BACKUP_DIR: place.folder })('restore', 'latest');
  expectRefused(back, 78, /^REDIS_URL is not set.*--target or --dir/); // and nothing is fetched for that
  using nowhere = backupPlace({ port: 1 });
  const away = await nowhere.run('backup', 'now');
  expect([away.code, away.stdout]).toEqual([69, '']);
  expect(away.stderr).toMatch(/snapshot: .*127\.0\.0\.1:1/);
});
