import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { commandIn } from '../cli/command.ts';
import type { Environment, Run } from '../cli/command.ts';
import type { TestRedis } from '../support/redis.ts';

/** An hour from now; what an operator has said lasts so long. */
export const inAnHour = (): number => Date.now() + 3_600_000;

/** A folder for backups, and the command with it. */
export interface BackupPlace extends Disposable {
  readonly folder: string;
  readonly env: Environment;
  readonly run: Run;
  /** Makes a backup. @returns its id */
  backup(): Promise<string>;
}

/** @param env instead of a folder of its own for backups, when it says whereto */
export function backupPlace(redis: Pick<TestRedis, 'port'>, env: Environment = {}): BackupPlace {
  const given = env['BACKUP_TEMP_DIR']; // of another place, which takes it away
  const root = given === undefined ? mkdtempSync(join(tmpdir(), 'gateway-backups-')) : dirname(given);
  const folder = join(root, 'backups');
  const all = {
    REDIS_URL: `redis://127.0.0.1:${redis.port}`,
    ADMIN_PORT: '1', // nobody: not a gateway that may run on this machine
    BACKUP_TEMP_DIR: join(root, 'temp'),
    ...(env['BACKUP_S3_URL'] === undefined ? { BACKUP_DIR: folder } : {}),
    ...env,
  };
  const run = commandIn(all);
  return {
    folder,
    env: all,
    run,
    backup: async () => {
      const { code, stdout, stderr } = await run('backup', 'now', '--json');
      expect(code, stderr).toBe(0);
      expect(readdirSync(all.BACKUP_TEMP_DIR)).toEqual([]); // nothing in the clear stays behind
      return (JSON.parse(stdout) as { id: string }).id;
    },
    [Symbol.dispose]: () => {
      if (given === undefined) rmSync(root, { recursive: true, force: true });
    },
  };
}

/** What the gateways keep in Redis, as they write it, and what is not theirs. */
export async function fill({ client }: TestRedis): Promise<void> {
  const until = inAnHour();
  await client.hset('api-gateway:limit-overrides', {
    '#version': '1764201600000000',
    '203.0.113.7': `{"state":"BANNED","until":${until},"by":"me"}`,
  });
  await client.pexpireat('api-gateway:limit-overrides', until);
  await client.hset('api-gateway:circuit-breaker', {
    default: 'OPEN',
    'default:forced': 'OPEN',
    'default:forced_until': String(until),
  });
  for (let i = 0; i < 300; i++) {
    await client.hset(`api-gateway:rate-limit:10.0.0.${i}`, { tokens: '1', ts: '1' });
    await client.pexpireat(`api-gateway:rate-limit:10.0.0.${i}`, until);
  }
  await client.hset('api-gateway:api-keys', { 'the-key-id': 'the-secret-of-it' });
  await client.set('api-gateway:config:current', 'then');
  await client.hset('api-gateway:{jobs}:backup:meta', { paused: '0' });
  await client.zadd('api-gateway:nodes', 1, 'a-node');
  await client.set('session:1', 'not ours');
}

export const BANS_AND_BREAKERS = ['api-gateway:circuit-breaker', 'api-gateway:limit-overrides'];

export const keysOf = async ({ client }: Pick<TestRedis, 'client'>): Promise<readonly string[]> =>
  (await client.keys('*')).sort();
