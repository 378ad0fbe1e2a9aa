import type { Redis } from 'ioredis';
import type { Sought } from '../tasks.ts';

/** Of keys whose values are compared byte for byte. */
const SAMPLE = 32;
/** Looked at to find them. */
const CANDIDATES = 2_000;
/** Behind the value, DUMP has the version of the format and a checksum. */
const FOOTER_BYTES = 10;
/** Kinds of values whose bytes do not depend on the server that writes them. */
const PLAIN_ENCODINGS: ReadonlySet<string> = new Set(['embstr', 'raw', 'int', 'listpack']);
const PLAIN_TYPES: ReadonlySet<string> = new Set(['string', 'hash']);
/** Number of the type of a hash that is written field by field: one that was large once, and is packed when it is loaded. */
const HASH_BY_FIELD = Buffer.from([4]);
const PROBE_KEY = 'api-gateway:backup-probe';

/**
 * Keys of a scratch server with their values, as a snapshot of that version has them: type, key and value in one piece of
 * bytes. The server makes each from what it has in memory; that the file it was loaded from has the very same bytes is
 * looked up in the file, without any help of Redis.
 */
export async function evidenceOf(redis: Redis): Promise<readonly Sought[]> {
  const keys = await sampleKeys(redis);
  const found: (readonly Uint8Array[])[][] = keys.map(() => []);
  // Nothing in a snapshot says whether its texts were compressed.
  for (const compression of ['yes', 'no']) {
    await redis.config('SET', 'rdbcompression', compression);
    for (const [i, key] of keys.entries()) found[i]?.push(...(await waysOf(redis, key)));
  }
  return found.filter((ways) => ways.length > 0);
}

async function sampleKeys(redis: Redis): Promise<readonly Buffer[]> {
  const keys: Buffer[] = [];
  let [cursor, looked] = ['0', 0];
  do {
    const [next, batch] = await redis.scanBuffer(cursor, 'COUNT', 500);
    cursor = next.toString();
    looked += batch.length;
    for (const key of batch) {
      if (keys.length >= SAMPLE) return keys;
      const [type, encoding] = [await redis.type(key), await redis.object('ENCODING', key)];
      if (PLAIN_TYPES.has(type) && PLAIN_ENCODINGS.has(String(encoding))) keys.push(key);
    }
  } while (cursor !== '0' && looked < CANDIDATES);
  return keys;
}

/** None: the key has expired meanwhile. */
async function waysOf(redis: Redis, key: Buffer): Promise<readonly (readonly Uint8Array[])[]> {
  const dump = await redis.dumpBuffer(key);
  if (dump === null) return [];
  const name = await asText(redis, key);
  const packed = [Buffer.concat([dump.subarray(0, 1), name, dump.subarray(1, -FOOTER_BYTES)])];
  if ((await redis.type(key)) !== 'hash') return [packed];
  const [pairs, fields] = [[] as Buffer[], (await redis.callBuffer('HGETALL', key)) as readonly Buffer[]];
  for (let i = 0; i + 1 < fields.length; i += 2) {
    pairs.push(Buffer.concat([await asText(redis, fields[i]), await asText(redis, fields[i + 1])]));
  }
  return [packed, [Buffer.concat([HASH_BY_FIELD, name]), ...pairs]];
}

/** Keys, fields and values are written as a text is: the server is asked to write one. */
async function asText(redis: Redis, text: Buffer = Buffer.alloc(0)): Promise<Buffer> {
  await redis.set(PROBE_KEY, text);
  const dump = await redis.dumpBuffer(PROBE_KEY);
  await redis.del(PROBE_KEY);
  return dump === null ? Buffer.alloc(0) : dump.subarray(1, -FOOTER_BYTES);
}
