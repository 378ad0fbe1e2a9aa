import { copyFile, link, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { infoField } from '../snapshot/ask-redis.ts';
import type { TaskRunner } from '../tasks.ts';
import { checkRdb } from './check-rdb.ts';
import { evidenceOf } from './sample.ts';
import { startScratchRedis } from './scratch-redis.ts';

export interface ProofOptions {
  /** A new folder, for the server that loads it. */
  readonly dir: string;
  readonly tasks: TaskRunner;
  readonly signal: AbortSignal;
}

/** What was seen of a snapshot that is whole. */
export interface Proof {
  readonly keysLoaded: number;
  /** Their time was over when they were loaded. */
  readonly keysExpired: number;
  readonly valuesCompared: number;
}

const RDB_NAME = 'dump.rdb';

/**
 * Proves that a snapshot can be restored: redis-check-rdb reads it to the end, a server loads it, what it has loaded and
 * found expired are as many keys as the checker has counted, and the values of a sample stand in the file byte for byte.
 *
 * @throws {Error} at the first of these that does not hold
 */
export async function proveRdb(path: string, { dir, tasks, signal }: ProofOptions): Promise<Proof> {
  const counts = await checkRdb(path, { cpuShare: tasks.cpuShare, signal });
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await link(path, join(dir, RDB_NAME)).catch(() => copyFile(path, join(dir, RDB_NAME)));
  await using scratch = await startScratchRedis(dir, { rdb: RDB_NAME, cpuShare: tasks.cpuShare, signal });
  const loaded = await loadCounts(scratch.redis);
  if (loaded.keysLoaded + loaded.keysExpired !== counts.keys) {
    throw new Error(
      `the snapshot has ${counts.keys} keys, and redis-server loaded ${loaded.keysLoaded} and found ${loaded.keysExpired} expired`,
    );
  }
  if (loaded.keysExpired > counts.expires) throw new Error('redis-server expired keys that have no end');
  return { ...loaded, valuesCompared: await compareValues(path, scratch.redis, { tasks, signal }) };
}

async function loadCounts(redis: Redis): Promise<Omit<Proof, 'valuesCompared'>> {
  const info = await redis.info('persistence');
  const [loaded, expired] = ['rdb_last_load_keys_loaded', 'rdb_last_load_keys_expired'].map((field) => {
    const value = infoField(info, field);
    if (value === undefined) throw new Error('redis-server is older than 7.0: it does not say what it has loaded');
    return Number(value);
  });
  return { keysLoaded: loaded ?? 0, keysExpired: expired ?? 0 };
}

/** @returns how many values were compared; 0 where the server writes them in another version's form */
async function compareValues(
  path: string,
  redis: Redis,
  { tasks, signal }: Pick<ProofOptions, 'tasks' | 'signal'>,
): Promise<number> {
  if ((await formatOfFile(path)) !== (await formatOfServer(redis))) return 0;
  await goToFirstDatabase(redis);
  const evidence = await evidenceOf(redis);
  const missing = await tasks.run('find', { path, sought: evidence }, signal);
  if (missing.length > 0)
    throw new Error(`${missing.length} of ${evidence.length} values are not those of the snapshot`);
  return evidence.length;
}

/** `REDIS0010` */
async function formatOfFile(path: string): Promise<number> {
  await using file = await open(path);
  const { buffer } = await file.read(Buffer.alloc(9), 0, 9, 0);
  return Number(buffer.toString('latin1', 5));
}

/** Stands behind every value that DUMP writes, in two bytes. */
async function formatOfServer(redis: Redis): Promise<number> {
  const key = 'api-gateway:backup-probe';
  await redis.set(key, '');
  const dump = await redis.dumpBuffer(key);
  await redis.del(key);
  return dump === null ? 0 : dump.readUInt16LE(dump.length - 10);
}

async function goToFirstDatabase(redis: Redis): Promise<void> {
  const info = await redis.info('keyspace');
  await redis.select(Number(/^db(\d+):/m.exec(info)?.[1] ?? 0));
}
