import type { Cluster, Redis } from 'ioredis';
import { infoField } from '../snapshot/ask-redis.ts';
import { isAtLeast } from '../verify/redis-binaries.ts';

/** The Redis that a backup is put back into, while gateways may use it. */
export interface RestoreTarget {
  readonly client: Redis | Cluster;
  /** The servers that hold its keys. */
  readonly primaries: readonly Redis[];
  /** Number of the logical database. */
  readonly database: number;
}

const PROBE_KEY = 'api-gateway:restore-probe';
/** A moment that is over: RESTORE looks at a value that ends then as at any other, and keeps nothing of it. */
const LONG_OVER_MS = 1;

export interface Fitness {
  /** Of the backup; `null`: not known. */
  readonly sourceVersion: string | null;
  /** Loaded with the backup. */
  readonly scratch: Redis;
}

/**
 * Whether the target can take what the backup holds, without writing anything.
 * @returns why not; `undefined` = it can
 */
export async function whyTargetUnfit(
  { client, primaries }: RestoreTarget,
  { sourceVersion, scratch }: Fitness,
): Promise<string | undefined> {
  for (const primary of primaries) {
    const info = await primary.info('server').catch(() => ''); // an ACL may forbid it; the value below tells as well
    const version = infoField(info, 'redis_version');
    if (version === undefined || sourceVersion === null || isAtLeast(version, sourceVersion)) continue;
    return `it is Redis ${version}, and the backup is of Redis ${sourceVersion}: the target is to be as new`;
  }
  await scratch.set(PROBE_KEY, '');
  const value = await scratch.dumpBuffer(PROBE_KEY);
  await scratch.del(PROBE_KEY);
  if (value === null) return 'the scratch server has lost a value';
  try {
    await client.restore(PROBE_KEY, LONG_OVER_MS, value, 'ABSTTL');
    return undefined;
  } catch (error) {
    return whyRefused(error);
  }
}

/** What a refusal of RESTORE means, for people. */
export function whyRefused(error: unknown): string {
  const said = error instanceof Error ? error.message : String(error);
  if (/payload version|Bad data format/i.test(said))
    return `it does not take values of this version of Redis (${said})`;
  if (said.startsWith('OOM')) return `it is full (${said}): raise its maxmemory first`;
  if (said.startsWith('NOPERM')) return `its user may not do this (${said})`;
  if (said.startsWith('READONLY')) return `it is a replica (${said}): name the primary`;
  if (said.startsWith('BUSYKEY')) return 'a gateway has just written the same key; try again, with --force';
  return said;
}
