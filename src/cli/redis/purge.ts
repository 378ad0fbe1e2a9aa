import type { Redis } from 'ioredis';
import { CommandFailure, reasonOf } from '../command-failure.ts';
import { EXIT } from '../exit-codes.ts';
import { BUCKET_PREFIX, KEY_PREFIXES } from '../../shared/redis/keys.ts';
import type { CliIo } from '../io.ts';
import { show } from '../show.ts';
import { count } from '../output/quantities.ts';
import { table } from '../output/table.ts';
import { span } from '../output/text.ts';
import { noRedis, openRedis } from './open-redis.ts';
import { isOurs, kindOf, scanPattern } from './purge-plan.ts';
import { redisConfig } from './redis-config.ts';

export interface PurgeOptions {
  readonly prefix?: string | undefined;
  readonly all: boolean;
  readonly dryRun: boolean;
  readonly json: boolean;
}

/** What `gateway redis purge --json` prints. */
export interface PurgeReport {
  readonly dryRun: boolean;
  readonly prefixes: readonly string[];
  /** Keys that SCAN showed; while Redis resizes its table it may show one twice. */
  readonly found: number;
  /** 0 with dryRun; fewer than found where keys ran out meanwhile. */
  readonly removed: number;
  readonly kinds: Readonly<Record<string, { readonly found: number; readonly removed: number }>>;
}

/** Keys that SCAN looks at in one step: some milliseconds of Redis at most. */
const STEP = 1_000;

/** `gateway redis purge`: removes keys of our own, in steps that never block Redis, and no one else's. */
export async function purge(io: CliIo, options: PurgeOptions): Promise<number> {
  const prefixes = prefixesOf(options);
  const config = redisConfig(io);
  if (config === undefined) {
    const words = 'REDIS_URL is not set, so there is nothing to purge: set it as for the gateway.';
    throw new CommandFailure(EXIT.configuration, words);
  }
  using redis = await openRedis(config);
  const counts = new Map<string, { found: number; removed: number }>();
  try {
    for (const primary of redis.primaries) {
      for (const prefix of prefixes) await purgeServer(primary, { prefix, dryRun: options.dryRun, counts });
    }
  } catch (error) {
    const done = [...counts.values()].reduce((sum, { removed }) => sum + removed, 0);
    throw noRedis(config, `${reasonOf(error)}; ${count(done)} keys were removed before`);
  }
  report({ io, json: options.json }, { ...options, prefixes, counts });
  return EXIT.ok;
}

function prefixesOf({ prefix, all }: PurgeOptions): readonly string[] {
  if (all && prefix !== undefined) throw new CommandFailure(EXIT.usage, 'Either --all or --prefix, not both.');
  if (all) return KEY_PREFIXES;
  const wanted = prefix ?? BUCKET_PREFIX;
  if (isOurs(wanted)) return [wanted];
  const words = `--prefix: expected one that starts with "${KEY_PREFIXES[0]}", got "${wanted}"; other keys are not the gateway's.`;
  throw new CommandFailure(EXIT.usage, words);
}

interface Work {
  readonly prefix: string;
  readonly dryRun: boolean;
  readonly counts: Map<string, { found: number; removed: number }>;
}

async function purgeServer(redis: Redis, { prefix, dryRun, counts }: Work): Promise<void> {
  let cursor = '0';
  do {
    const [next, keys] = await redis.scan(cursor, 'MATCH', scanPattern(prefix), 'COUNT', STEP);
    cursor = next;
    const removed = dryRun ? [] : await unlink(redis, keys);
    for (const [i, key] of keys.entries()) {
      const kind = kindOf(key);
      const sums = counts.get(kind) ?? { found: 0, removed: 0 };
      counts.set(kind, { found: sums.found + 1, removed: sums.removed + (removed[i] ?? 0) });
    }
  } while (cursor !== '0');
}

/** One command a key, in one round trip: a cluster refuses keys of several slots in one command. */
async function unlink(redis: Redis, keys: readonly string[]): Promise<readonly number[]> {
  if (keys.length === 0) return [];
  const pipeline = redis.pipeline();
  for (const key of keys) pipeline.unlink(key);
  const replies = (await pipeline.exec()) ?? [];
  return replies.map(([error, removed]) => {
    if (error !== null) throw error;
    return Number(removed);
  });
}

function report(
  to: { io: CliIo; json: boolean },
  { dryRun, prefixes, counts }: PurgeOptions & { prefixes: readonly string[]; counts: Work['counts'] },
): void {
  const kinds = Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
  const sum = (of: 'found' | 'removed'): number => Object.values(kinds).reduce((total, each) => total + each[of], 0);
  const answer: PurgeReport = { dryRun, prefixes, found: sum('found'), removed: sum('removed'), kinds };
  const names = prefixes.map((prefix) => `${prefix}*`).join(' and ');
  if (counts.size === 0) return show(to, answer, [[span(`There is no key ${names}: nothing to do.`)]]);
  const columns = [{ title: 'KIND' }, { title: 'FOUND', right: true }, { title: 'REMOVED', right: true }];
  const rows = Object.entries(kinds).map(([kind, { found, removed }]) => [
    kind,
    count(found),
    dryRun ? span('-', 'faint') : count(removed),
  ]);
  const outcome = dryRun
    ? `${count(answer.found)} keys ${names} would be removed. Nothing was changed (--dry-run).`
    : `${count(answer.removed)} keys ${names} were removed.`;
  show(to, answer, [...table(columns, rows), [span(outcome)]]);
}
