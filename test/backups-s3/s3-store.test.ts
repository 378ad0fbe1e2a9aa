import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openS3Store } from '../../src/shared/backups/s3-store.ts';
import type { S3Behaviour } from '../../src/shared/backups/s3-store.ts';
import type { LocalFile } from '../../src/shared/backups/backup-store.ts';
import { S3Client } from '../../src/shared/backups/s3/client.ts';
import { removeStale } from '../../src/shared/backups/s3/multipart.ts';
import { elements, textOf } from '../../src/shared/backups/s3/xml.ts';
import { AT_ONCE } from '../backups/setting.ts';
import { backupPlace, BANS_AND_BREAKERS, fill, keysOf } from '../backups-cli/setup.ts';
import { expectRefused } from '../cli/command.ts';
import { startRedis } from '../support/redis.ts';
import { startS3 } from '../support/s3.ts';
import type { TestS3 } from '../support/s3.ts';

const MB = 1024 * 1024;
/** The least part that S3 takes. */
const SMALL_PARTS: S3Behaviour = { partBytes: () => 5 * MB, pageNames: 3 };

let s3: TestS3;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gateway-s3-store-'));
  s3 = await startS3();
});
afterAll(async () => {
  await s3[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const signal = new AbortController().signal;
const sha256 = (data: Buffer): string => createHash('sha256').update(data).digest('hex');

function localFile(bytes: number): LocalFile {
  const data = randomBytes(bytes);
  const path = join(folder, `${sha256(data)}.bin`);
  writeFileSync(path, data);
  return { path, bytes, sha256: sha256(data) };
}

let copies = 0;
const newPath = (): string => join(folder, `copy-${copies++}`);

/** Uploads that were begun and not ended. */
async function underWay(): Promise<readonly string[]> {
  const query = { uploads: '', prefix: s3.place.prefix };
  const text = await new S3Client(s3.place).text({ method: 'GET', query, signal });
  return elements(text, 'Upload').map((upload) => textOf(upload, 'Key'));
}

const begin = (name: string): Promise<string> =>
  new S3Client(s3.place).text({ method: 'POST', name, query: { uploads: '' }, signal });

describe('backups on a real S3 server', () => {
  it('are stored, listed page by page in the order of their names, read back equal, and removed', async () => {
    const store = openS3Store(s3.place, SMALL_PARTS);
    const names = Array.from({ length: 7 }, (_, i) => `redis-2026112${i}T020000Z.manifest.json`);
    const files = names.map((_, i) => localFile(i * 100_000)); // the first is empty
    for (const [i, name] of names.toReversed().entries()) {
      await store.put(name, files[names.length - 1 - i] ?? localFile(0), { signal });
    }
    await store.put('full-20261126T030000Z.manifest.json', localFile(10), { signal });
    await openS3Store({ ...s3.place, prefix: 'redis-backups/other/' }).put('redis-x', localFile(1), { signal });

    expect(await store.list('redis-', signal)).toEqual(names.map((name, i) => ({ name, bytes: i * 100_000 })));
    expect((await store.list('', signal)).map(({ name }) => name)).toEqual([
      'full-20261126T030000Z.manifest.json',
      ...names,
    ]);
    for (const [i, name] of names.entries()) {
      const seen: number[] = [];
      const read = await store.get(name, newPath(), { signal, onBytes: (done) => seen.push(done) });
      expect(read).toEqual({ bytes: i * 100_000, sha256: files[i]?.sha256 });
      expect(seen.at(-1) ?? 0).toBe(i * 100_000);
    }
    for (const name of names) await store.remove(name, signal);
    await store.remove(names[0] ?? '', signal); // none of this name: no error
    expect(await store.list('redis-', signal)).toEqual([]);
  });

  it('go in parts above the limit, say how far they are, and leave no parts behind', async () => {
    const store = openS3Store(s3.place, SMALL_PARTS);
    const file = localFile(12 * MB + 345);
    const seen: number[] = [];
    await store.put('big.rdb.gz', file, { signal, onBytes: (done) => seen.push(done) });
    expect(seen.at(-1)).toBe(file.bytes);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    const path = newPath();
    expect(await store.get('big.rdb.gz', path, { signal })).toEqual({ bytes: file.bytes, sha256: file.sha256 });
    expect(readFileSync(path).equals(readFileSync(file.path))).toBe(true);
    expect(await underWay()).toEqual([]);
    // The same name again replaces it.
    const other = localFile(6 * MB);
    await store.put('big.rdb.gz', other, { signal });
    expect(await store.get('big.rdb.gz', newPath(), { signal })).toMatchObject({ sha256: other.sha256 });
  });

  it('that are broken off are in no list, and their parts are thrown away', async () => {
    const store = openS3Store(s3.place, SMALL_PARTS);
    const over = new AbortController();
    const onBytes = (done: number): void => {
      if (done > 6 * MB) over.abort(new Error('the node is stopping'));
    };
    const put = store.put('cut.rdb.gz', localFile(12 * MB), { signal: over.signal, onBytes });
    await expect(put).rejects.toThrow('the node is stopping');
    expect(await store.list('cut', signal)).toEqual([]);
    expect(await underWay()).toEqual([]);
  });

  it('clean up what a dead node left of the same name, and of others only after a day', async () => {
    await begin('redis-20261126T020000Z.rdb.gz');
    await begin('redis-20261125T020000Z.rdb.gz');
    expect(await underWay()).toHaveLength(2);
    await openS3Store(s3.place).put('redis-20261126T020000Z.rdb.gz', localFile(10), { signal });
    expect(await underWay()).toEqual(['redis-backups/redis-20261125T020000Z.rdb.gz']);
    await removeStale(new S3Client(s3.place), 'redis-20261125T020000Z.rdb.gz', signal);
    expect(await underWay()).toEqual([]);
  });

  it('whose file is not what its hash says are refused, and not stored', async () => {
    const store = openS3Store(s3.place, { patience: { attempts: 1, firstRestMs: 1 } });
    const file = { ...localFile(200_000), sha256: sha256(Buffer.from('another')) };
    await expect(store.put('wrong.rdb.gz', file, { signal })).rejects.toThrow(/PUT of wrong\.rdb\.gz .*answered 4\d\d/);
    expect(await store.list('wrong', signal)).toEqual([]);
  });

  it('are never written over a local file that is there', async () => {
    const store = openS3Store(s3.place);
    await store.put('a.rdb.gz', localFile(10), { signal });
    const mine = localFile(3);
    await expect(store.get('a.rdb.gz', mine.path, { signal })).rejects.toThrow('EEXIST');
    expect((await stat(mine.path)).size).toBe(3);
  });

  it.each([
    ['another secret', { secretAccessKey: 'a-wrong-secret' }, /403 SignatureDoesNotMatch.*BACKUP_S3_SECRET_ACCESS_KEY/],
    ['another key', { accessKeyId: 'test:nobody' }, /403 .*BACKUP_S3_ACCESS_KEY_ID/],
    ['no such bucket', { bucket: 'nobody' }, /404 NoSuchBucket.*make the bucket, or check BACKUP_S3_URL/],
    ['another region', { region: 'eu-central-9' }, /400 AuthorizationHeaderMalformed.*BACKUP_S3_REGION/],
    ['nobody there', { origin: 'http://127.0.0.1:1' }, /ECONNREFUSED.*is the S3 server up/],
  ])('%s: the reason and what to do, at every call, and no secret', async (_, change, words) => {
    const place = { ...s3.place, ...change };
    const store = openS3Store(place, { patience: { attempts: 2, firstRestMs: 1 } });
    const calls = [
      store.put('a.rdb.gz', localFile(100_000), { signal }),
      store.get('a.rdb.gz', newPath(), { signal }),
      store.list('', signal),
      store.remove('a.rdb.gz', signal),
    ];
    for (const outcome of await Promise.allSettled(calls)) {
      const said = outcome.status === 'rejected' ? String(outcome.reason) : 'it went well';
      expect(said).toMatch(words);
      expect(said).not.toContain(place.secretAccessKey);
      expect(said).not.toContain('\n');
    }
  });

  it('that are not there: the name, and what to look at', async () => {
    const path = newPath();
    await expect(openS3Store(s3.place).get('none.rdb.gz', path, { signal })).rejects.toThrow(
      /GET of none\.rdb\.gz at http:\S+ failed: the S3 server answered 404 NoSuchKey/,
    );
    await expect(stat(path)).rejects.toThrow('ENOENT');
  });
});

it('the circle through S3: made, listed, verified, put back; a flipped byte is found', async () => {
  await using redis = await startRedis(AT_ONCE);
  using place = backupPlace(redis, s3.env);
  await fill(redis);
  const id = await place.backup();
  const listed = await place.run('backup', 'list', '--max-age', '26h');
  expect(listed.code, listed.stderr).toBe(0);
  expect(listed.stdout).toMatch(new RegExp(`^${id} .* verified$`, 'm'));
  expect(listed.stdout + listed.stderr).not.toContain('a-secret-of-the-test');
  expect((await place.run('backup', 'verify', id)).code).toBe(0);
  await redis.client.flushall();
  expect((await place.run('restore', id)).code).toBe(0);
  expect(await keysOf(redis)).toEqual(BANS_AND_BREAKERS);

  const store = openS3Store(s3.place);
  const path = newPath();
  const name = (await store.list(id, signal)).map((file) => file.name).find((each) => each.endsWith('.rdb.gz')) ?? '';
  expect(name).toMatch(/Z\.[0-9a-f]{8}\.rdb\.gz$/);
  const { bytes } = await store.get(name, path, { signal });
  const data = readFileSync(path);
  data.writeUInt8(data.readUInt8(100) ^ 1, 100);
  writeFileSync(path, data);
  await store.put(name, { path, bytes, sha256: sha256(data) }, { signal });
  expectRefused(await place.run('backup', 'verify', id), 1, /is not what was stored/);
  expectRefused(await place.run('restore', id, '--force'), 1, /is not what was stored/);
  const away = backupPlace(redis, { ...place.env, BACKUP_S3_URL: 'http://127.0.0.1:1/backups' });
  expectRefused(await away.run('backup', 'list'), 69, /ECONNREFUSED.*is the S3 server up/);
});
