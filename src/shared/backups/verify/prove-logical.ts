import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { readLogical } from '../snapshot/logical-format.ts';
import type { LogicalEntry } from '../snapshot/logical-format.ts';
import type { Proof, ProofOptions } from './prove-rdb.ts';
import { startScratchRedis } from './scratch-redis.ts';

const BATCH = 200;

/** The lines of a logical copy. */
export const linesOf = (path: string, signal: AbortSignal): AsyncIterable<string> =>
  createInterface({ input: createReadStream(path, { signal }), crlfDelay: Number.POSITIVE_INFINITY });

/**
 * Proves that a copy of keys can be restored: its lines are whole, a server takes every value of it (each has a checksum of
 * its own, which RESTORE looks at), and gives the same bytes again.
 *
 * @throws {Error} at the first of these that does not hold
 */
export async function proveLogical(path: string, { dir, tasks, signal }: ProofOptions): Promise<Proof> {
  await using scratch = await startScratchRedis(dir, { cpuShare: tasks.cpuShare, signal });
  const { redis } = scratch;
  const counts = { keysLoaded: 0, keysExpired: 0, valuesCompared: 0 };
  const take = async (batch: readonly LogicalEntry[]): Promise<void> => {
    signal.throwIfAborted();
    const restore = redis.pipeline();
    for (const { key, dump, expiresAtMs } of batch) restore.restore(key, expiresAtMs ?? 0, dump, 'ABSTTL');
    for (const [error] of (await restore.exec()) ?? []) {
      if (error !== null) throw new Error(`redis-server does not take a value: ${error.message}`);
    }
    const dumps = redis.pipeline();
    for (const { key } of batch) dumps.dumpBuffer(key);
    for (const [i, [error, dump]] of ((await dumps.exec()) ?? []).entries()) {
      if (error !== null) throw error;
      // RESTORE of a value whose time is over keeps nothing.
      if (dump === null) counts.keysExpired++;
      else counts.keysLoaded++;
      if (Buffer.isBuffer(dump) && batch[i]?.dump.equals(dump) === true) counts.valuesCompared++;
    }
  };
  let batch: LogicalEntry[] = [];
  for await (const entry of readLogical(linesOf(path, signal))) {
    batch.push(entry);
    if (batch.length < BATCH) continue;
    await take(batch);
    batch = [];
  }
  if (batch.length > 0) await take(batch);
  return counts;
}
