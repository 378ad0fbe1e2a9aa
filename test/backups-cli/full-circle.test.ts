import { afterAll, beforeAll, expect, it } from 'vitest';
import { holdsOf, overridesOf } from './circle.ts';
import { NO_REFILL, PATIENT, startLimited } from '../limits-gateway/setup.ts';
import type { Limited } from '../limits-gateway/setup.ts';
import { startRedis } from '../support/redis.ts';
import type { TestRedis } from '../support/redis.ts';
import { statuses, tally } from '../support/requests.ts';
import { eventually } from '../support/wait.ts';
import { commandIn } from '../cli/command.ts';
import type { Run } from '../cli/command.ts';
import { AT_ONCE } from '../backups/setting.ts';
import { backupPlace } from './setup.ts';
import type { BackupPlace } from './setup.ts';

let redis: TestRedis;
let limited: Limited;
let place: BackupPlace;
let admin: Run;
beforeAll(async () => {
  redis = await startRedis(AT_ONCE);
  limited = await startLimited({
    redis,
    env: {
      ...PATIENT,
      RATE_LIMIT_CAPACITY: '4',
      RATE_LIMIT_REFILL_RATE: NO_REFILL,
      RATE_LIMIT_KEY: 'header-plain:x-client',
    },
  });
  place = backupPlace(redis);
  admin = commandIn({ ADMIN_PORT: String(limited.gateway.adminPort), STATE_DIR: limited.gateway.stateDir });
});
afterAll(async () => {
  place[Symbol.dispose]();
  await limited[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
});

const ask = async (client: string, count: number): Promise<Record<number, number>> =>
  tally(await statuses(limited.port, count, { headers: { 'x-client': client } }));

let strangers = 0;
/** By a client that has all its tokens. */
const askAnew = (): Promise<Record<number, number>> => ask(`stranger-${strangers++}`, 1);
/** As the node knows them. */
const bans = async (): Promise<string> => (await admin('limit', 'list')).stdout;

it('traffic, a ban and a hold → backup → Redis wiped → restore → the ban and the hold as they were, and buckets full', async () => {
  expect(await ask('alice', 4)).toEqual({ 200: 4 });
  expect(await ask('alice', 1)).toEqual({ 429: 1 });
  expect((await admin('limit', 'ban', 'mallory', '--for', '1h')).code).toBe(0);
  expect((await admin('limit', 'exempt', 'trent', '--for', '2h')).code).toBe(0);
  expect((await admin('breaker', 'open', 'default', '--for', '30m')).code).toBe(0);
  const overrides = await overridesOf(redis);
  const breakers = await holdsOf(redis);
  expect(Object.keys(overrides).sort()).toEqual(['mallory', 'trent']);
  const id = await place.backup();

  await redis.client.flushall();
  await eventually(async () => (await askAnew())[200] === 1, 'the hold is gone');
  await eventually(async () => !(await bans()).includes('mallory'), 'the ban is gone');

  const { code, stdout, stderr } = await place.run('restore', id);
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(/^mallory +- +BANNED until /m);
  expect(stdout).toMatch(/^default .*OPEN, held OPEN until /m);
  expect(stdout).toMatch(
    /^buckets of clients +\d+ +\d+ +no: each client starts full, one capacity more at most, once/m,
  );
  expect(await overridesOf(redis)).toEqual(overrides);
  expect(await holdsOf(redis)).toEqual(breakers);

  await eventually(async () => (await askAnew())[503] === 1, 'the hold is back on the node');
  await eventually(async () => (await bans()).includes('mallory'), 'the ban is back on the node');
  expect((await admin('breaker', 'auto', 'default')).code).toBe(0);
  expect(await ask('mallory', 1)).toEqual({ 403: 1 });
  expect(await ask('trent', 6)).toEqual({ 200: 6 });
  expect(await ask('alice', 5)).toEqual({ 200: 4, 429: 1 }); // one capacity more, once
});

async function redisTimeMs(): Promise<number> {
  const [seconds, micros] = await redis.client.time();
  return Number(seconds) * 1_000 + Number(micros) / 1_000;
}

it('a day-old backup: its buckets are over, and that is said', async () => {
  await redis.client.flushall();
  expect((await admin('limit', 'ban', 'mallory', '--for', '24h')).code).toBe(0);
  // As after a day: what has ended lies in the snapshot and is gone when it is loaded.
  await redis.client.call('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
  for (let i = 0; i < 5; i++) {
    await redis.client.hset(`api-gateway:rate-limit:10.0.0.${i}`, { tokens: '0', ts: '1' });
    await redis.client.pexpire(`api-gateway:rate-limit:10.0.0.${i}`, 300);
  }
  const end = await redis.client.pexpiretime('api-gateway:rate-limit:10.0.0.4');
  await eventually(async () => (await redisTimeMs()) > end, 'the buckets are over');
  const id = await place.backup();
  const verified = await place.run('backup', 'verify', id);
  expect(verified.stdout).toMatch(/keys, of which [5-9] have expired since/);
  await redis.client.flushall();
  const { code, stdout, stderr } = await place.run('restore', id, '--buckets', '--force', '--json');
  expect(code, stderr).toBe(0);
  const answer = JSON.parse(stdout) as { expired: number; written: number };
  expect(answer.expired).toBeGreaterThanOrEqual(5);
  expect(await redis.client.keys('api-gateway:rate-limit:10.0.0.*')).toEqual([]);
  expect(Object.keys(await overridesOf(redis))).toEqual(['mallory']);
  const words = await place.run('restore', id, '--buckets', '--force');
  expect(words.stdout).toMatch(/^\d+ keys of the backup have expired since, buckets of clients as a rule\. /m);
});
