import { connect, createServer } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { listening } from '../support/ports.ts';
import type { Listening } from '../support/ports.ts';
import { startCluster } from '../support/redis-cluster.ts';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { expectRefused } from '../cli/command.ts';
import { AT_ONCE } from '../backups/setting.ts';
import { BANS_AND_BREAKERS, backupPlace, fill, inAnHour, keysOf } from './setup.ts';
import type { BackupPlace } from './setup.ts';

let source: TestRedis;
let target: TestRedis;
let place: BackupPlace;
let id: string;
let to: string;
beforeAll(async () => {
  source = await startRedis(AT_ONCE);
  target = await startRedis();
  to = `redis://127.0.0.1:${target.port}`;
  place = backupPlace(source);
  await fill(source);
  id = await place.backup();
});
afterAll(async () => {
  place[Symbol.dispose]();
  await source[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
});
beforeEach(async () => void (await target.client.flushall()));

const restore = (...args: readonly string[]) => place.run('restore', id, '--target', to, ...args);

describe('gateway restore into a running Redis', () => {
  it('brings bans and breakers with the time at which they end, and nothing else', async () => {
    await target.client.set('session:2', 'of somebody else');
    const { code, stdout, stderr } = await restore();
    expect(code, stderr).toBe(0);
    expect(await keysOf(target)).toEqual([...BANS_AND_BREAKERS, 'session:2']);
    for (const key of BANS_AND_BREAKERS) {
      expect(await target.client.hgetall(key)).toEqual(await source.client.hgetall(key));
      expect(await target.client.pexpiretime(key)).toBe(await source.client.pexpiretime(key));
    }
    expect(stdout).toMatch(
      /^buckets of clients +300 +0 +no: each client starts full, one capacity more at most, once/m,
    );
    expect(stdout).toMatch(/^queue of jobs +1 +0 +no: its schedules are made anew/m);
    expect(stdout).toMatch(/^lists of nodes +1 +0 +no: /m);
    expect(stdout).toMatch(/^203\.0\.113\.7 +- +BANNED until \d{4}-/m);
    expect(stdout).toMatch(/^default +- +OPEN, held OPEN until /m);
    expect(stdout).toContain('Buckets start full: each client may have one capacity more than it had left, once.');
    expect(stderr).toMatch(/^fetch .*\(\d+(\.\d)? (B|KiB)\) \.\.\.$/m); // a line a step where there is no terminal
  });

  it('only says what would change with --dry-run', async () => {
    const { code, stdout } = await restore('--dry-run', '--buckets', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ id, dryRun: true, written: 0, removed: 0, expired: 0 });
    expect(await keysOf(target)).toEqual([]);
  });

  it('buckets come with --buckets', async () => {
    expect((await restore('--buckets')).code).toBe(0);
    expect(await target.client.hgetall('api-gateway:rate-limit:10.0.0.299')).toEqual({ tokens: '1', ts: '1' });
    expect(await keysOf(target)).toHaveLength(302);
  });

  it('API keys and configuration come with --all; they differ, and no secret is shown', async () => {
    await target.client.set('api-gateway:config:current', 'now');
    const shown = await restore('--all', '--dry-run');
    expectDryRunNeedsForce(shown);
    expect(shown.stdout).toMatch(/^api-gateway:config:current +there +there$/m);
    expect(shown.stdout).toMatch(/^api-gateway:api-keys +- +1 fields$/m);
    expect((await restore()).code).toBe(0); // without --all they are in nobody's way
    expect(await target.client.get('api-gateway:config:current')).toBe('now');
    const done = await restore('--all', '--force');
    expect(done.code, done.stderr).toBe(0);
    expect(await target.client.get('api-gateway:config:current')).toBe('then');
    expect(await target.client.hgetall('api-gateway:api-keys')).toEqual({ 'the-key-id': 'the-secret-of-it' });
    for (const { stdout, stderr } of [shown, done]) expect(stdout + stderr).not.toContain('the-secret-of-it');
  });

  it('what is there is only written over with --force, and then of the same kinds alone', async () => {
    const mine = { newer: `{"state":"BANNED","until":${inAnHour()},"by":"me"}` };
    await target.client.hset('api-gateway:limit-overrides', mine);
    await target.client.hset('api-gateway:rate-limit:1.1.1.1', { tokens: '5' });
    await target.client.zadd('api-gateway:nodes', 1, 'b-node');
    await target.client.set('session:2', 'of somebody else');
    expectRefused(await restore(), 1, /holds 1 bans, holds or keys that would be lost: nothing was changed/);
    expect(await target.client.hgetall('api-gateway:limit-overrides')).toEqual(mine);
    expectDryRunNeedsForce(await restore('--dry-run'));

    const { code, stdout, stderr } = await restore('--force');
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^newer +BANNED until \S+Z +-$/m);
    expect(await target.client.hget('api-gateway:limit-overrides', 'newer')).toBeNull();
    expect(await keysOf(target)).toEqual([
      ...BANS_AND_BREAKERS,
      'api-gateway:nodes',
      'api-gateway:rate-limit:1.1.1.1',
      'session:2',
    ]);
    expect((await restore('--buckets', '--force')).code).toBe(0);
    expect(await target.client.exists('api-gateway:rate-limit:1.1.1.1')).toBe(0); // not in the backup
  });

  it("what says nothing is in nobody's way: bans that are over, breakers that are closed, and the same again", async () => {
    const over = { old: '{"state":"BANNED","until":1,"by":"me"}', '#version': '1' };
    await target.client.hset('api-gateway:limit-overrides', over);
    await target.client.hset('api-gateway:circuit-breaker', {
      default: 'CLOSED',
      'default:epoch': '7',
      other: 'CLOSED',
    });
    const done = await restore();
    expect(done.code, done.stderr).toBe(0);
    expect(done.stdout).toMatch(/^old +BANNED until 1970-01-01T00:00:00Z, which is over +-$/m);
    for (const key of BANS_AND_BREAKERS) {
      expect(await target.client.hgetall(key)).toEqual(await source.client.hgetall(key));
    }
    const again = await restore();
    expect([again.code, again.stdout.includes('DIFFERENCE')], again.stderr).toEqual([0, false]);
    await target.client.hset('api-gateway:circuit-breaker', { other: 'OPEN' }); // that one speaks
    expectRefused(await restore(), 1, /holds 1 bans, holds or keys that would be lost/);
  });

  it('goes into the Redis of REDIS_URL when nothing else is named, into the same database', async () => {
    const elsewhere = { ...place.env, REDIS_URL: `${to}/3` };
    const { run } = backupPlace(target, elsewhere);
    expect((await run('restore', id)).code).toBe(0);
    expect(await keysOf(target)).toEqual([]);
    await target.client.select(3);
    expect(await keysOf(target)).toEqual(BANS_AND_BREAKERS);
    await target.client.select(0);
  });

  it('goes into a cluster', async () => {
    await using cluster = await startCluster();
    const [first] = cluster.nodes;
    const ended = await place.run('restore', id, '--all', '--buckets', '--target', `redis://127.0.0.1:${first?.port}`);
    expect(ended.code, ended.stderr).toBe(0);
    const keys = await Promise.all(cluster.nodes.map(keysOf));
    expect(keys.flat()).toHaveLength(304);
    expect(keys.every((each) => each.length > 0)).toBe(true);
  });
});

function expectDryRunNeedsForce({ code, stderr }: Awaited<ReturnType<typeof restore>>): void {
  expect(code).toBe(1);
  expect(stderr).toContain('it would take --force');
}

/** The target, which says of itself that it is another version of the same length. */
async function saying(version: string): Promise<Listening> {
  const real = (await target.client.info('server')).match(/redis_version:(\S+)/)?.[1] ?? '';
  const said = version.padEnd(real.length, '0');
  const server = createServer((client) => {
    const redis = connect(target.port, '127.0.0.1');
    client.pipe(redis);
    redis.on('data', (data) =>
      client.write(data.toString('latin1').replace(`redis_version:${real}`, `redis_version:${said}`), 'latin1'),
    );
    for (const [one, other] of [
      [client, redis],
      [redis, client],
    ] as const) {
      one.on('error', () => other.destroy()).on('close', () => other.destroy());
    }
  });
  return listening(server);
}

describe('a target that cannot take it', () => {
  it('is older: refused before anything, with --force too', async () => {
    await target.client.hset('api-gateway:limit-overrides', { a: 'b' });
    await using older = await saying('6.2.');
    const ended = await place.run('restore', id, '--force', '--target', `redis://127.0.0.1:${older.port}`);
    expectRefused(
      ended,
      1,
      /it is Redis 6\.2\.\d+, and the backup is of Redis \d+\.\d+\.\d+: the target is to be as new/,
    );
    expect(await target.client.hgetall('api-gateway:limit-overrides')).toEqual({ a: 'b' });
  });

  it('is newer: taken', async () => {
    await using newer = await saying('9.9.');
    const ended = await place.run('restore', id, '--target', `redis://127.0.0.1:${newer.port}`);
    expect(ended.code, ended.stderr).toBe(0);
    expect(await keysOf(target)).toEqual(BANS_AND_BREAKERS);
  });

  it('is a replica, is full, or does not let us: said, and nothing is changed', async () => {
    await target.client.hset('api-gateway:limit-overrides', { a: 'b' });
    await target.client.call('ACL', 'SETUSER', 'reader', 'on', '>pw', '~*', '&*', '+@all', '-restore');
    const reader = await place.run('restore', id, '--force', '--target', `redis://reader:pw@127.0.0.1:${target.port}`);
    expectRefused(reader, 1, /its user may not do this \(NOPERM/);
    expect(reader.stderr).not.toContain('pw@');
    await target.client.config('SET', 'maxmemory', '1');
    expectRefused(await restore('--force'), 1, /it is full \(OOM.*raise its maxmemory first/);
    await target.client.config('SET', 'maxmemory', '0');
    await target.client.replicaof('127.0.0.1', '1');
    const replica = await restore('--force');
    await target.client.replicaof('NO', 'ONE');
    expectRefused(replica, 1, /it is a replica \(READONLY.*name the primary/);
    expect(await target.client.hgetall('api-gateway:limit-overrides')).toEqual({ a: 'b' });
  });

  it('is not there, or is no URL', async () => {
    expectRefused(await place.run('restore', id, '--target', 'redis://127.0.0.1:1'), 69, /ECONNREFUSED/);
    expectRefused(await place.run('restore', id, '--target', 'nonsense://'), 64, /--target/);
    expectRefused(await place.run('restore', id, '--target', to, '--dir', '/tmp'), 64, /Either --target or --dir/);
  });
});
