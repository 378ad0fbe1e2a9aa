import { createHash } from 'node:crypto';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Manifest } from '../../src/shared/backups/manifest.ts';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { expectRefused } from '../cli/command.ts';
import { AT_ONCE } from '../backups/setting.ts';
import { BANS_AND_BREAKERS, backupPlace, fill, keysOf } from './setup.ts';
import type { BackupPlace } from './setup.ts';

let redis: TestRedis;
let sound: BackupPlace;
let id: string;
beforeAll(async () => {
  redis = await startRedis(AT_ONCE);
  sound = backupPlace(redis);
  await fill(redis);
  id = await sound.backup();
});
afterAll(async () => {
  sound[Symbol.dispose]();
  await redis[Symbol.asyncDispose]();
});

const sha256 = (data: Buffer): string => createHash('sha256').update(data).digest('hex');

/** A copy of the backup, for a test to damage. */
function copyOf(place: BackupPlace): { readonly folder: string; readonly file: string; readonly manifest: string } {
  const folder = mkdtempSync(join(place.folder, '..', 'copy-'));
  for (const name of readdirSync(place.folder)) copyFileSync(join(place.folder, name), join(folder, name));
  const names = readdirSync(folder);
  const of = (end: RegExp): string => join(folder, names.find((name) => end.test(name)) ?? 'none');
  return { folder, file: of(/\.rdb\.gz/), manifest: of(/\.manifest\.json$/) };
}

function flip(path: string): void {
  const data = readFileSync(path);
  const at = Math.floor(data.length / 2);
  data.writeUInt8(data.readUInt8(at) ^ 1, at);
  writeFileSync(path, data);
}

/** A store that lies: other contents, and a manifest that goes with them. */
function lie({ file, manifest }: ReturnType<typeof copyOf>, change: (rdb: Buffer) => Buffer): void {
  const clear = change(gunzipSync(readFileSync(file)));
  const stored = gzipSync(clear);
  writeFileSync(file, stored);
  const said = JSON.parse(readFileSync(manifest, 'utf8')) as Manifest;
  const facts = { bytes: stored.length, sha256: sha256(stored), clearBytes: clear.length, clearSha256: sha256(clear) };
  writeFileSync(manifest, JSON.stringify({ ...said, files: said.files.map((each) => ({ ...each, ...facts })) }));
}

const CASES: readonly (readonly [string, (copy: ReturnType<typeof copyOf>) => void, RegExp])[] = [
  ['a flipped byte', ({ file }) => flip(file), /is not what was stored: its SHA-256 is another/],
  ['a file that is cut short', ({ file }) => truncateSync(file, 200), /has 200 bytes/],
  ['a file that is gone', ({ file }) => rmSync(file), /ENOENT|no such file/],
  ['a manifest that is cut short', ({ manifest }) => truncateSync(manifest, 100), /manifest of .* cannot be read/],
  [
    'a flipped byte that hashes and manifest know nothing of',
    (copy) =>
      lie(copy, (rdb) => {
        rdb.writeUInt8(rdb.readUInt8(rdb.length - 40) ^ 1, rdb.length - 40);
        return rdb;
      }),
    /redis-check-rdb refuses/,
  ],
  [
    'a snapshot that ends early, though all hashes are right',
    (copy) => lie(copy, (rdb) => rdb.subarray(0, -50)),
    /redis-check-rdb refuses/,
  ],
];

describe.each(CASES)('%s', (_, damage, words) => {
  it('is found by verify, and refused by restore before anything is changed', async () => {
    const copy = copyOf(sound);
    damage(copy);
    const place = backupPlace(redis, { ...sound.env, BACKUP_DIR: copy.folder });
    const before = await keysOf(redis);
    const data = join(copy.folder, 'data');
    mkdirSync(data);
    const [verified, forced, intoDir] = await Promise.all([
      place.run('backup', 'verify', id),
      place.run('restore', id, '--force', '--all', '--buckets'),
      place.run('restore', id, '--dir', data),
    ]);
    for (const ended of [verified, forced, intoDir]) expectRefused(ended, 1, words);
    expect(await keysOf(redis)).toEqual(before);
    expect(readdirSync(data)).toEqual([]);
    expect(readdirSync(sound.env['BACKUP_TEMP_DIR'] ?? '')).toEqual([]);
  });
});

it('a backup of a later Redis than the redis-server here is refused, and verify says that it cannot tell', async () => {
  const copy = copyOf(sound);
  const said = readFileSync(copy.manifest, 'utf8').replace(
    /"redisVersion": "\d+\.\d+\.\d+",/,
    '"redisVersion": "99.0.0",',
  );
  writeFileSync(copy.manifest, said);
  const place = backupPlace(redis, { ...sound.env, BACKUP_DIR: copy.folder });
  const verified = await place.run('backup', 'verify', id);
  expect(verified.code).toBe(1);
  expect(verified.stdout).toMatch(/is stored, not verified: .*99\.0\.0/);
  expectRefused(await place.run('restore', id, '--force'), 1, /is of Redis 99\.0\.0, and redis-server here is/);
});

describe('a backup that is encrypted', () => {
  let secret: string;
  let place: BackupPlace;
  let encrypted: string;
  beforeAll(async () => {
    secret = await generateX25519Identity();
    place = backupPlace(redis, { BACKUP_ENCRYPTION_RECIPIENT: await identityToRecipient(secret) });
    encrypted = await place.backup();
  });
  afterAll(() => place[Symbol.dispose]());

  const keyFile = (key: string): string => {
    const path = join(place.folder, '..', `${sha256(Buffer.from(key))}.key`);
    writeFileSync(path, `# created: today\n${key}\n`);
    return path;
  };

  it('opens with its key, from a file or from the configuration', async () => {
    const key = keyFile(secret);
    const env = { ...place.env, BACKUP_ENCRYPTION_IDENTITY_FILE: key };
    await using target = await startRedis();
    const to = `redis://127.0.0.1:${target.port}`;
    expect((await backupPlace(redis, env).run('backup', 'verify', encrypted)).code).toBe(0);
    expect((await place.run('backup', 'verify', encrypted, '--identity', key)).code).toBe(0);
    expect((await place.run('restore', encrypted, '--identity', key, '--target', to)).code).toBe(0);
    expect(await keysOf(target)).toEqual(BANS_AND_BREAKERS);
  });

  it('without its key, or with another, is refused before anything is changed', async () => {
    const before = await keysOf(redis);
    const wrong = keyFile(await generateX25519Identity());
    const unopened = await place.run('backup', 'verify', encrypted);
    expect(unopened.code).toBe(1);
    expect(unopened.stdout).toMatch(/stored, not verified: it is encrypted/);
    expectRefused(await place.run('backup', 'verify', encrypted, '--identity', wrong), 1, /identity/i);
    expectRefused(await place.run('restore', encrypted, '--force'), 1, /is encrypted for age1.*--identity FILE/);
    const other = await place.run('restore', encrypted, '--force', '--identity', wrong);
    expectRefused(other, 1, /is encrypted for age1\w+, and this secret key is not its/);
    expectRefused(await place.run('restore', encrypted, '--identity', '/none'), 64, /--identity: .*ENOENT/);
    expect(await keysOf(redis)).toEqual(before);
  });
});
