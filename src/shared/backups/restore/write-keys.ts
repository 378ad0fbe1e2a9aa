import type { Cluster, Redis } from 'ioredis';
import type { KeyWrite } from './plan.ts';

/** A key as RESTORE takes it. */
interface Value extends KeyWrite {
  readonly dump: Buffer;
  /** By Redis's clock; 0 = it stays. */
  readonly endsMs: number;
}

/**
 * Puts some keys back, each in one step with the time at which it ends; the questions go out together.
 * @param force what is there is written over
 * @returns how many; of the others the time is over
 * @throws {Error} with what the target says to the first that it refuses
 */
export async function writeKeys(client: Redis | Cluster, writes: readonly KeyWrite[], force: boolean): Promise<number> {
  const values: Value[] = [];
  for (const from of new Set(writes.map((each) => each.from))) {
    values.push(
      ...(await readValues(
        from,
        writes.filter((each) => each.from === from),
      )),
    );
  }
  // A cluster's client finds the node of each key, and takes no pipeline over several.
  if ('nodes' in client) {
    await Promise.all(values.map((value) => client.restore(...restoreArguments(value, force))));
    return values.length;
  }
  const pipeline = client.pipeline();
  for (const value of values) pipeline.restore(...restoreArguments(value, force));
  for (const [error] of (await pipeline.exec()) ?? []) if (error !== null) throw error;
  return values.length;
}

function restoreArguments(
  { key, endsMs, dump, replaces }: Value,
  force: boolean,
): [key: string, ttl: number, dump: Buffer, replace: 'REPLACE', absttl: 'ABSTTL'] {
  const all = [key, endsMs, dump, ...(force || replaces ? ['REPLACE'] : []), 'ABSTTL'];
  return all as ReturnType<typeof restoreArguments>; // the type knows both words, and one alone only as another call
}

/** A scratch server is of 7.0 at least, which knows PEXPIRETIME. Keys that run out meanwhile are left out. */
async function readValues(from: Redis, writes: readonly KeyWrite[]): Promise<readonly Value[]> {
  const pipeline = from.pipeline();
  for (const { key } of writes) {
    pipeline.dumpBuffer(key);
    pipeline.pexpiretime(key);
  }
  const answers = ((await pipeline.exec()) ?? []).map(([error, answer]) => {
    if (error !== null) throw error;
    return answer;
  });
  return writes.flatMap((write, i) => {
    const [dump, endsMs] = [answers[2 * i], answers[2 * i + 1]];
    if (!Buffer.isBuffer(dump) || typeof endsMs !== 'number' || endsMs === -2) return [];
    return [{ ...write, dump, endsMs: Math.max(0, endsMs) }];
  });
}
