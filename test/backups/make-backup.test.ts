import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { verifyBackup } from '../../src/shared/backups/verify-backup.ts';
import type { Manifest } from '../../src/shared/backups/manifest.ts';
import { createAuthority } from '../support/certificates.ts';
import { freePort } from '../support/ports.ts';
import { startCluster } from '../support/redis-cluster.ts';
import { startSentinel } from '../support/redis-sentinel.ts';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { until } from '../support/wait.ts';
import { AT_ONCE, backupSetting, IDENTITY, OTHER_IDENTITY, RECIPIENT } from './setting.ts';
import type { BackupSetting } from './setting.ts';

const ID = 'redis-20261126T020000Z';

/** What a gateway has in Redis, and some things of others; all kinds of values. */
async function fill({ client }: TestRedis): Promise<void> {
  for (let i = 0; i < 300; i++)
    await client.hset(`api-gateway:rate-limit:client-${i}`, { t: i * 1.5, at: 1_700_000_000_000 + i });
  for (let i = 0; i < 50; i++) await client.set(`soon-${i}`, i, 'PX', 3_600_000);
  await client.hset('api-gateway:circuit-breaker', { orders: '{"state":"OPEN"}', stock: '{"state":"CLOSED"}' });
  await client.hset('shrunk', { a: '1', b: 'x'.repeat(100) });
  await client.hdel('shrunk', 'b');
  await client.set('text', 'hello world '.repeat(50));
  await client.set('bytes', Buffer.from([0, 255, 128, 10, 13]));
  await client.sadd('set', 1, 2, 3);
  await client.zadd('sorted', 1, 'a', 2, 'b');
  await client.xadd('stream', '*', 'a', 'b');
}

const KEYS = 357;

const verify = (setting: BackupSetting, manifest: Manifest, identities: readonly string[] = []) =>
  verifyBackup(setting.parts, manifest, { identities, signal: new AbortController().signal, report: () => {} });

const urlOf = ({ port }: { readonly port: number }): Record<string, string> => ({
  REDIS_URL: `redis://127.0.0.1:${port}`,
});

describe('a backup of Redis', () => {
  test('with an AOF is proved, and nothing else is left behind', async () => {
    await using redis = await startRedis([...AT_ONCE, '--appendonly', 'yes']);
    await fill(redis);
    await using setting = await backupSetting(urlOf(redis));
    const steps: string[] = [];
    const manifest = await setting.make({ report: ({ step }) => steps.at(-1) === step || steps.push(step) });
    expect(manifest).toMatchObject({
      id: ID,
      node: 'test-node',
      files: [{ name: `${ID}.rdb.gz`, content: 'rdb', keys: KEYS, recipient: null, source: `127.0.0.1:${redis.port}` }],
      verification: { result: 'verified', keysLoaded: KEYS, keysExpired: 0, valuesCompared: 19 },
    });
    expect(steps).toEqual(['prepare', 'snapshot', 'pack', 'store', 'read back', 'verify', 'manifest']);
    expect(await setting.names()).toEqual({ stored: [`${ID}.manifest.json`, `${ID}.rdb.gz`], temporary: [] });
  });

  test('is made once a slot, and again where a file of it is gone', async () => {
    await using redis = await startRedis(AT_ONCE);
    await using setting = await backupSetting(urlOf(redis));
    const first = await setting.make();
    await redis.client.set('later', '1');
    expect(await setting.make()).toEqual(first);
    await writeFile(join(setting.dir, `${ID}.rdb.gz`), 'cut');
    const again = await setting.make();
    expect(again.files).toMatchObject([{ keys: 1, name: expect.stringMatching(/Z\.[0-9a-f]{8}\.rdb\.gz$/) }]);
    expect(await setting.make()).toEqual(again);
  });

  test.each(['yes', 'no'])('comes in both forms: with repl-diskless-sync %s', async (diskless) => {
    await using redis = await startRedis([...AT_ONCE, '--repl-diskless-sync', diskless, '--rdbcompression', diskless]);
    await fill(redis);
    await using setting = await backupSetting(urlOf(redis));
    expect(await setting.make()).toMatchObject({ verification: { result: 'verified', valuesCompared: 19 } });
  });

  test('is encrypted, proved without the identity, and opened by it alone', async () => {
    await using redis = await startRedis(AT_ONCE);
    await fill(redis);
    await using setting = await backupSetting({ ...urlOf(redis), BACKUP_ENCRYPTION_RECIPIENT: RECIPIENT });
    const manifest = await setting.make();
    expect(manifest).toMatchObject({ files: [{ recipient: RECIPIENT }], verification: { result: 'verified' } });
    const stored = await readFile(join(setting.dir, `${ID}.rdb.gz.age`));
    expect(stored.toString('latin1', 0, 21)).toBe('age-encryption.org/v1');
    expect(await verify(setting, manifest, [IDENTITY])).toMatchObject({ result: 'verified', keysLoaded: KEYS });
    expect(await verify(setting, manifest)).toEqual({
      result: 'stored',
      reason: 'it is encrypted, and what opens it is not here: its bytes are those that were stored',
    });
    await expect(verify(setting, manifest, [OTHER_IDENTITY])).rejects.toThrow(/^verify: no identity matched/);
  });

  test.each([
    ['flipped', (bytes: Buffer) => bytes.fill((bytes[200] ?? 0) ^ 1, 200, 201), 'is not what was stored'],
    ['cut', (bytes: Buffer) => bytes.subarray(0, 500), 'has 500 bytes instead of'],
  ])('that is %s is found out', async (_how, damage, message) => {
    await using redis = await startRedis(AT_ONCE);
    await fill(redis);
    await using setting = await backupSetting(urlOf(redis));
    const manifest = await setting.make();
    const path = join(setting.dir, `${ID}.rdb.gz`);
    await writeFile(path, damage(await readFile(path)));
    await expect(verify(setting, manifest)).rejects.toThrow(message);
  });

  test('of a cluster has a snapshot of each primary', async () => {
    await using cluster = await startCluster();
    for (const { client } of cluster.nodes) await client.config('SET', 'repl-diskless-sync-delay', '0');
    // Each node refuses the keys of the others.
    const everywhere = cluster.nodes.flatMap(({ client }) =>
      Array.from({ length: 90 }, (_, i) => client.set(`k${i}`, i)),
    );
    await Promise.allSettled(everywhere);
    const counts = await Promise.all(cluster.nodes.map(({ client }) => client.dbsize()));
    await using setting = await backupSetting({ ...urlOf(cluster.nodes[1] ?? { port: 0 }), REDIS_MODE: 'cluster' });
    const manifest = await setting.make();
    expect(manifest.files.map(({ name }) => name)).toEqual([1, 2, 3].map((part) => `${ID}.${part}of3.rdb.gz`));
    expect(new Set(manifest.files.map(({ keys }) => keys))).toEqual(new Set(counts));
    expect(counts.reduce((a, b) => a + b)).toBe(90);
    expect(manifest.verification).toMatchObject({ result: 'verified', keysLoaded: 90 });
  });

  test('behind a Sentinel comes from the replica', async () => {
    await using sentinel = await startSentinel();
    await sentinel.replica.client.config('SET', 'repl-diskless-sync-delay', '0');
    await fill(sentinel.primary);
    await sentinel.caughtUp();
    const syncs = async ({ client }: TestRedis): Promise<string | undefined> =>
      /sync_full:(\d+)/.exec(await client.info('stats'))?.[1];
    const before = await syncs(sentinel.primary);
    await using setting = await backupSetting({
      ...urlOf(sentinel),
      REDIS_MODE: 'sentinel',
      REDIS_SENTINEL_MASTER: 'main',
    });
    const manifest = await setting.make();
    expect(manifest).toMatchObject({
      files: [{ source: `127.0.0.1:${sentinel.primary.port}` }],
      verification: { result: 'verified', valuesCompared: 19 },
    });
    expect(await syncs(sentinel.primary)).toBe(before);
    expect(await syncs(sentinel.replica)).toBe('1');
  });

  test('with a user who may not PSYNC is a copy by key, of our keys alone', async () => {
    await using redis = await startRedis(AT_ONCE);
    await fill(redis);
    await redis.client.set('api-gateway:with-end', 'x', 'PX', 3_600_000);
    await redis.client.call('ACL', 'SETUSER', 'backup', 'on', '>pw', '~*', '+@all', '-psync', '-sync');
    await using setting = await backupSetting({
      ...urlOf(redis),
      REDIS_USERNAME: 'backup',
      REDIS_PASSWORD: 'pw',
    });
    const manifest = await setting.make();
    expect(manifest).toMatchObject({
      files: [{ content: 'logical', name: `${ID}.keys.gz`, keys: 302 }],
      verification: { result: 'verified', keysLoaded: 302, valuesCompared: 302 },
    });
  });

  test('that has no PSYNC, as managed ones, is a copy by key', async () => {
    await using redis = await startRedis(['--rename-command', 'PSYNC', '', '--rename-command', 'SYNC', '']);
    await fill(redis);
    await using setting = await backupSetting(urlOf(redis));
    expect(await setting.make()).toMatchObject({
      files: [{ content: 'logical', keys: 301 }],
      verification: { result: 'verified', valuesCompared: 301 },
    });
  });

  test('needs no more of an ACL than the documents say', async () => {
    await using redis = await startRedis(AT_ONCE);
    await fill(redis);
    await redis.client.call('ACL', 'SETUSER', 'backup', 'on', '>pw', '+psync', '+replconf', '+ping', '+info');
    await using setting = await backupSetting({
      ...urlOf(redis),
      REDIS_USERNAME: 'backup',
      REDIS_PASSWORD: 'pw',
    });
    expect(await setting.make()).toMatchObject({ files: [{ content: 'rdb' }], verification: { result: 'verified' } });
  });

  test('over TLS goes to the server that its certificate is for, and to no other', async () => {
    using authority = createAuthority();
    const { certFile, keyFile } = authority.issue('IP:127.0.0.1');
    const tlsPort = await freePort();
    const tls = ['--tls-cert-file', certFile, '--tls-key-file', keyFile, '--tls-ca-cert-file', authority.caFile];
    await using redis = await startRedis([
      ...AT_ONCE,
      '--requirepass',
      'pw',
      '--tls-port',
      String(tlsPort),
      '--tls-auth-clients',
      'no',
      ...tls,
    ]);
    await fill(redis);
    const env = { REDIS_URL: `rediss://:pw@127.0.0.1:${tlsPort}` };
    const files = { [authority.caFile]: readFileSync(authority.caFile, 'utf8') };
    await using setting = await backupSetting({ ...env, REDIS_TLS_CA_FILE: authority.caFile }, files);
    expect(await setting.make()).toMatchObject({ verification: { result: 'verified', keysLoaded: KEYS } });
    await using other = await backupSetting(env);
    await expect(other.make()).rejects.toThrow(/^snapshot: .*certificate/);
  });

  test('counts keys whose time is over as expired, not as lost', async () => {
    await using redis = await startRedis([...AT_ONCE, '--hz', '1']);
    await redis.client.call('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
    for (let i = 0; i < 20; i++) await redis.client.set(`short-${i}`, i, 'PX', 1);
    await redis.client.set('stays', '1');
    await until(async () => (await redis.client.pttl('short-19')) <= 0);
    await using setting = await backupSetting(urlOf(redis));
    const { files, verification } = await setting.make();
    expect(files[0]?.keys).toBe(await redis.client.dbsize());
    expect(verification).toMatchObject({ result: 'verified', keysLoaded: 1 });
  });
});
