import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type { Redis } from 'ioredis';
import { KEY_PREFIXES } from '../../redis/keys.ts';
import { talkTo } from './ask-redis.ts';
import { endLine, entryLine, headerLine } from './logical-format.ts';
import type { LogicalEntry } from './logical-format.ts';
import type { SnapshotSource } from './find-sources.ts';
import { showServer } from './redis-server-at.ts';
import type { SnapshotOptions } from './rdb-snapshot.ts';

/** Keys asked for at once: a pipeline that keeps Redis for some tenths of a millisecond. */
const BATCH = 200;

/**
 * Copies our keys one by one, where Redis gives no snapshot. It is not one moment: a key that changes meanwhile is in it as
 * it was when it was read, and one that is moved may be missing or old. A key that SCAN names twice is read once.
 *
 * @param toPath a new file, in the form of logical-format.ts
 * @returns bytes and keys
 */
export async function copyKeys(
  source: SnapshotSource,
  toPath: string,
  { signal, onBytes }: SnapshotOptions,
): Promise<{ readonly bytes: number; readonly keys: number }> {
  const { database } = source.primary.config;
  await using talk = await talkTo(source.primary, signal, database);
  await using file = await open(toPath, 'wx', 0o600);
  const writer = new Writer(file, onBytes);
  const takenAtMs = await redisTimeMs(talk.redis);
  const { redisVersion = null } = source;
  await writer.add(headerLine({ redisVersion, source: showServer(source.primary), database, takenAtMs }));
  let keys = 0;
  for await (const batch of ourKeys(talk.redis)) {
    signal.throwIfAborted();
    const entries = await readKeys(talk.redis, batch);
    keys += entries.length;
    await writer.add(entries.map(entryLine).join(''));
  }
  await writer.add(endLine(keys));
  await file.sync();
  return { bytes: writer.bytes, keys };
}

class Writer {
  bytes = 0;
  readonly #file: FileHandle;
  readonly #onBytes: SnapshotOptions['onBytes'];

  constructor(file: FileHandle, onBytes: SnapshotOptions['onBytes']) {
    this.#file = file;
    this.#onBytes = onBytes;
  }

  async add(text: string): Promise<void> {
    if (text === '') return;
    await this.#file.appendFile(text);
    this.bytes += Buffer.byteLength(text);
    this.#onBytes?.(this.bytes, undefined);
  }
}

async function* ourKeys(redis: Redis): AsyncGenerator<readonly Buffer[]> {
  const seen = new Set<string>();
  for (const prefix of KEY_PREFIXES) {
    let cursor = '0';
    do {
      const [next, found] = await redis.scanBuffer(cursor, 'MATCH', `${prefix}*`, 'COUNT', BATCH);
      cursor = next.toString();
      const fresh = found.filter((key) => !seen.has(key.toString('latin1')));
      for (const key of fresh) seen.add(key.toString('latin1'));
      if (fresh.length > 0) yield fresh;
    } while (cursor !== '0');
  }
}

async function redisTimeMs(redis: Redis): Promise<number> {
  const [seconds, micros] = await redis.time();
  return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
}

/** Keys that are gone meanwhile are left out. The clock is asked in the same breath, since PTTL counts from it. */
async function readKeys(redis: Redis, keys: readonly Buffer[]): Promise<readonly LogicalEntry[]> {
  const pipeline = redis.pipeline();
  pipeline.time();
  for (const key of keys) {
    pipeline.dumpBuffer(key);
    pipeline.pttl(key);
  }
  const results = (await pipeline.exec()) ?? [];
  const [time, ...answers] = results.map(([error, value]) => {
    if (error !== null) throw error;
    return value;
  });
  const [seconds, micros] = time as [string, string];
  const nowMs = Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
  return keys.flatMap((key, i) => {
    const [dump, ttlMs] = [answers[2 * i], answers[2 * i + 1] as number];
    if (!Buffer.isBuffer(dump) || ttlMs === -2) return [];
    return [{ key, dump, expiresAtMs: ttlMs === -1 ? undefined : nowMs + ttlMs }];
  });
}
