import { copyFile, link, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import type { BackupFile } from '../fetch-clear.ts';
import { readLogical } from '../snapshot/logical-format.ts';
import type { LogicalEntry } from '../snapshot/logical-format.ts';
import { linesOf } from '../verify/prove-logical.ts';
import { startScratchRedis } from '../verify/scratch-redis.ts';
import type { ScratchRedis } from '../verify/scratch-redis.ts';

const RDB_NAME = 'dump.rdb';
const BATCH = 200;
/** A person waits. */
const CPU_SHARE = 1;

/**
 * A server of our own with what a file of a backup holds, which has been proved before.
 * @param clearPath uncompressed and in the clear
 * @param dir a new folder for it
 */
export async function scratchOf(
  file: BackupFile,
  clearPath: string,
  { dir, signal }: { readonly dir: string; readonly signal: AbortSignal },
): Promise<ScratchRedis> {
  if (file.content === 'rdb') {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await link(clearPath, join(dir, RDB_NAME)).catch(() => copyFile(clearPath, join(dir, RDB_NAME)));
    return startScratchRedis(dir, { rdb: RDB_NAME, cpuShare: CPU_SHARE, signal });
  }
  const scratch = await startScratchRedis(dir, { cpuShare: CPU_SHARE, signal });
  try {
    await loadLogical(scratch.redis, clearPath, signal);
    return scratch;
  } catch (error) {
    await scratch[Symbol.asyncDispose]();
    throw error;
  }
}

async function loadLogical(redis: Redis, path: string, signal: AbortSignal): Promise<void> {
  let batch: LogicalEntry[] = [];
  const flush = async (): Promise<void> => {
    const pipeline = redis.pipeline();
    for (const { key, dump, expiresAtMs } of batch) pipeline.restore(key, expiresAtMs ?? 0, dump, 'ABSTTL');
    for (const [error] of (await pipeline.exec()) ?? []) if (error !== null) throw error;
    batch = [];
  };
  for await (const entry of readLogical(linesOf(path, signal))) {
    batch.push(entry);
    if (batch.length >= BATCH) await flush();
  }
  if (batch.length > 0) await flush();
}

/**
 * The logical database that holds the gateway's keys: that of a deployment is not in the snapshot's name.
 * @param preferred where several have keys
 */
export async function databaseOf(redis: Redis, preferred: number): Promise<number> {
  const info = await redis.info('keyspace');
  const databases = Array.from(info.matchAll(/^db(\d+):/gm), ([, number]) => Number(number));
  const ours: number[] = [];
  for (const database of databases) {
    await redis.select(database);
    if (await hasOurs(redis)) ours.push(database);
  }
  return ours.length === 1 || (ours.length > 1 && !ours.includes(preferred)) ? (ours[0] ?? preferred) : preferred;
}

async function hasOurs(redis: Redis): Promise<boolean> {
  let cursor = '0';
  do {
    const [next, keys] = await redis.scan(cursor, 'MATCH', '*api-gateway*', 'COUNT', 1_000);
    cursor = next;
    if (keys.length > 0) return true;
  } while (cursor !== '0');
  return false;
}
