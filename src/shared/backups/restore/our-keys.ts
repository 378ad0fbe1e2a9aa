import type { Cluster, Redis } from 'ioredis';
import { KEY_PREFIXES } from '../../redis/keys.ts';
import { kindOfKey } from './key-kinds.ts';
import type { KeyKind } from './key-kinds.ts';

/** Keys that SCAN looks at in one step: some milliseconds of Redis at most. */
const STEP = 1_000;

/** Keys of the gateway by their kinds. A key that SCAN shows twice is one. */
export type KeysByKind = ReadonlyMap<KeyKind, ReadonlySet<string>>;

/** @param servers all that hold keys: the one, or the primaries of a cluster */
export async function ourKeys(servers: readonly Redis[], signal: AbortSignal): Promise<KeysByKind> {
  const found = new Map<KeyKind, Set<string>>();
  for (const server of servers) {
    for (const prefix of KEY_PREFIXES) {
      let cursor = '0';
      do {
        signal.throwIfAborted();
        const [next, keys] = await server.scan(cursor, 'MATCH', `${prefix}*`, 'COUNT', STEP);
        cursor = next;
        for (const key of keys) addTo(found, key);
      } while (cursor !== '0');
    }
  }
  return found;
}

function addTo(found: Map<KeyKind, Set<string>>, key: string): void {
  const kind = kindOfKey(key);
  if (kind === undefined) return;
  const keys = found.get(kind);
  if (keys === undefined) found.set(kind, new Set([key]));
  else keys.add(key);
}

/** What a key holds, to compare it and to tell people: the fields of a hash, or whatever it is as one text. */
export type Content = ReadonlyMap<string, string> | string;

export async function contentOf(client: Redis | Cluster, key: string): Promise<Content | undefined> {
  const type = await client.type(key);
  if (type === 'none') return undefined;
  if (type === 'hash') return new Map(Object.entries(await client.hgetall(key)));
  const dump = await client.dumpBuffer(key);
  return dump?.toString('base64');
}
