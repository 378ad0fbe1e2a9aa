import type { Redis } from 'ioredis';
import type { Sought } from '../tasks.ts';

/** Kinds of values, of each of which some keys are compared. */
const TYPES = ['string', 'hash', 'set', 'zset', 'list', 'stream'] as const;
type Type = (typeof TYPES)[number];
const KEYS_OF_TYPE = 8;
/** Keys that are looked at to find those of a type. */
const CANDIDATES = 20_000;
const SCAN_COUNT = 1_000;
/** Of a set, a sorted set or a hash. */
const ELEMENTS = 16;
/** Larger values are not written in one piece to be compared: their elements are. */
const PIECE_BYTES = 64 * 1024;
/** Behind the value, DUMP has the version of the format and a checksum. */
const FOOTER_BYTES = 10;
const PROBE_KEY = 'api-gateway:backup-probe';

/**
 * Numbers of types in a snapshot (rdb.h of Redis 7.0 and later). A set, a sorted set and a hash are written element by
 * element where they are, or once were, large, and packed else; which of both depends on limits of the server that has
 * written it.
 */
const SPREAD = { set: 2, zset: 5, hash: 4 } as const;
const PACKED = { set: [11, 20], zset: [17], hash: [16, 22, 23, 24, 25] } as const;
type Collection = keyof typeof SPREAD;
/** Of hashes whose fields expire: what is left of them is a matter of time. */
const HASHES_THAT_EXPIRE: ReadonlySet<number> = new Set([22, 23, 24, 25]);

/**
 * Keys of a scratch server with their values, as a snapshot of that version has them: type, key and value, in one piece of
 * bytes or element by element. The server makes each from what it has in memory; that the file it was loaded from has the
 * very same bytes is looked up in the file, without any help of Redis.
 */
export async function evidenceOf(redis: Redis): Promise<readonly Sought[]> {
  const keys: (readonly [Type, Buffer])[] = [];
  for (const type of TYPES) for (const key of await sampleKeys(redis, type)) keys.push([type, key]);
  const found: (readonly Uint8Array[])[][] = keys.map(() => []);
  // Nothing in a snapshot says whether its texts were compressed.
  for (const compression of ['yes', 'no']) {
    await redis.config('SET', 'rdbcompression', compression);
    for (const [i, [type, key]] of keys.entries()) found[i]?.push(...(await waysOf(redis, type, key)));
  }
  return found.filter((ways) => ways.length > 0);
}

async function sampleKeys(redis: Redis, type: Type): Promise<readonly Buffer[]> {
  const keys: Buffer[] = [];
  let [cursor, looked] = ['0', 0];
  do {
    const [next, batch] = await redis.scanBuffer(cursor, 'COUNT', SCAN_COUNT, 'TYPE', type);
    cursor = next.toString();
    looked += SCAN_COUNT;
    keys.push(...batch.slice(0, KEYS_OF_TYPE - keys.length));
  } while (cursor !== '0' && looked < CANDIDATES && keys.length < KEYS_OF_TYPE);
  return keys;
}

/** None: the key has expired meanwhile, or cannot be compared. */
async function waysOf(redis: Redis, type: Type, key: Buffer): Promise<readonly (readonly Uint8Array[])[]> {
  const name = await asText(redis, key);
  const usedBytes = await redis.memory('USAGE', key, 'SAMPLES', 1);
  const dump = usedBytes === null || usedBytes > PIECE_BYTES ? null : await redis.dumpBuffer(key);
  const number = dump?.[0] ?? -1;
  if (HASHES_THAT_EXPIRE.has(number)) return [];
  const whole = dump === null ? [] : [[Buffer.concat([dump.subarray(0, 1), name, dump.subarray(1, -FOOTER_BYTES)])]];
  if (usedBytes === null || type === 'string' || type === 'list' || type === 'stream') return whole;
  const elements = await elementsOf(redis, type, key);
  if (elements === undefined) return [];
  const head = Buffer.concat([Buffer.from([SPREAD[type]]), name, lengthOf(elements.count)]);
  const spread = [head, ...elements.some];
  if (number !== SPREAD[type] && dump !== null) return [...whole, spread];
  // Packed by a server with higher limits than this one has, or with fields that expire: then it has only been counted.
  return [spread, ...PACKED[type].map((packed) => [Buffer.concat([Buffer.from([packed]), name])])];
}

/** Some of a collection as a snapshot has them; `undefined`: it has expired, or fields of it do. */
async function elementsOf(
  redis: Redis,
  type: Collection,
  key: Buffer,
): Promise<{ readonly count: number; readonly some: readonly Buffer[] } | undefined> {
  const count = Number(await redis.call({ set: 'SCARD', zset: 'ZCARD', hash: 'HLEN' }[type], key));
  if (count === 0) return undefined;
  const some: Buffer[] = [];
  if (type === 'set') {
    const [, members] = await redis.sscanBuffer(key, 0, 'COUNT', ELEMENTS);
    for (const member of members.slice(0, ELEMENTS)) some.push(await asText(redis, member));
    return { count, some };
  }
  const [, pairs] = type === 'zset' ? await redis.zscanBuffer(key, 0) : await redis.hscanBuffer(key, 0);
  for (let i = 0; i + 1 < pairs.length && some.length < ELEMENTS; i += 2) {
    const [one, other] = [await asText(redis, pairs[i]), pairs[i + 1]];
    some.push(Buffer.concat([one, type === 'zset' ? scoreOf(String(other)) : await asText(redis, other)]));
  }
  return { count, some };
}

/** As Redis writes numbers of elements: in one, two or five bytes. */
function lengthOf(count: number): Buffer {
  if (count < 64) return Buffer.from([count]);
  if (count < 16_384) return Buffer.from([64 | (count >> 8), count & 255]);
  const bytes = Buffer.alloc(5, 0x80);
  bytes.writeUInt32BE(count, 1);
  return bytes;
}

function scoreOf(text: string): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(/inf/.test(text) ? (text.startsWith('-') ? -Infinity : Infinity) : Number(text));
  return bytes;
}

/** Keys, fields and values are written as a text is: the server is asked to write one. */
async function asText(redis: Redis, text: Buffer = Buffer.alloc(0)): Promise<Buffer> {
  await redis.set(PROBE_KEY, text);
  const dump = await redis.dumpBuffer(PROBE_KEY);
  await redis.del(PROBE_KEY);
  return dump === null ? Buffer.alloc(0) : dump.subarray(1, -FOOTER_BYTES);
}
