import { randomBytes } from 'node:crypto';
import { isKeyHash, parseKeyRecord, rankOf } from '../../../shared/identity/key-record.ts';
import type { KeyRecord, StoredKey } from '../../../shared/identity/key-record.ts';
import { API_KEYS_KEY, EVENTS_CHANNEL } from '../../../shared/redis/keys.ts';
import { readScript, runScript } from '../../../shared/redis/scripts.ts';
import type { AskedRedis } from '../../limits/asked-redis.ts';

const VERSION_FIELD = '#version';
const SCAN_COUNT = 1_000;

/** A look-up in the hash of all keys. */
export interface KeyLookUp {
  /** '' = the hash has none: it was lost, or never made. */
  readonly version: string;
  readonly records: readonly (KeyRecord | undefined)[];
}

export interface KeyMerge {
  /** '' = none. */
  readonly before: string;
  readonly after: string;
  readonly changed: number;
}

/** The cluster's API keys, in Redis. All methods: `undefined` = Redis cannot be asked. */
export class KeyHash {
  readonly #redis: AskedRedis;
  readonly #merge = readScript(new URL('merge-keys-1.lua', import.meta.url));

  constructor(redis: AskedRedis) {
    this.#redis = redis;
  }

  async find(hashes: readonly string[]): Promise<KeyLookUp | undefined> {
    const values = await this.#redis.ask((redis) => redis.hmget(API_KEYS_KEY, VERSION_FIELD, ...hashes));
    if (values === undefined) return undefined;
    const [version, ...records] = values;
    return { version: version ?? '', records: records.map(recordOf) };
  }

  async version(): Promise<string | undefined> {
    return (await this.find([]))?.version;
  }

  /**
   * Puts records where they are newer. While there is no version, none is set but for `complete`: this is all that is
   * known, and the hash may be called whole again. A `change` is what somebody wants now: all nodes are told in any case.
   * @param endMs see AskedRedis.ask
   */
  async merge(
    keys: readonly StoredKey[],
    { as = '', endMs }: { readonly as?: 'complete' | 'change' | ''; readonly endMs?: number } = {},
  ): Promise<KeyMerge | undefined> {
    const args = [EVENTS_CHANNEL, randomBytes(9).toString('base64url'), as];
    const records = keys.flatMap(({ hash, record }) => [hash, rankOf(record), JSON.stringify(record)]);
    const said = { keys: [API_KEYS_KEY], args: [...args, ...records] };
    const reply = await this.#redis.ask((redis) => runScript(redis, this.#merge, said), endMs);
    if (!Array.isArray(reply)) return undefined;
    const [before, after, changed] = reply as unknown[];
    return { before: String(before), after: String(after), changed: Number(changed) };
  }

  /** Everything, about a thousand at a time; ends with `undefined` where Redis can no longer be asked. */
  async *all(): AsyncGenerator<readonly StoredKey[] | undefined> {
    let cursor = '0';
    do {
      const at = cursor;
      const reply = await this.#redis.ask((redis) => redis.hscan(API_KEYS_KEY, at, 'COUNT', SCAN_COUNT));
      if (reply === undefined) {
        yield undefined;
        return;
      }
      const [next, flat] = reply;
      const found: StoredKey[] = [];
      for (let i = 0; i + 1 < flat.length; i += 2) {
        const hash = String(flat[i]);
        const record = isKeyHash(hash) ? recordOf(String(flat[i + 1])) : undefined;
        if (record !== undefined) found.push({ hash, record });
      }
      yield found;
      cursor = next;
    } while (cursor !== '0');
  }
}

/** `<rank> <record>`; what is written by hand, and not as it should be, is no record. */
function recordOf(value: string | null): KeyRecord | undefined {
  if (value === null) return undefined;
  return parseKeyRecord(value.slice(value.indexOf(' ') + 1));
}
