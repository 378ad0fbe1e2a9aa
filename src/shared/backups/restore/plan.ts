import type { Redis } from 'ioredis';
import { wallClockMs } from '../../clock.ts';
import { differencesOf } from './differences.ts';
import type { Difference } from './differences.ts';
import { isWanted, KEY_KINDS } from './key-kinds.ts';
import type { KeyKind, Wanted } from './key-kinds.ts';
import { contentOf, ourKeys } from './our-keys.ts';
import type { KeysByKind } from './our-keys.ts';
import type { RestoreTarget } from './target.ts';

/** What would happen to the keys of one kind. */
export interface PlanRow {
  readonly kind: KeyKind;
  readonly inBackup: number;
  readonly onTarget: number;
  readonly restored: boolean;
}

export interface RestorePlan {
  /** Of kinds of which there are keys on either side. */
  readonly rows: readonly PlanRow[];
  /** Of kinds that are put back, but for buckets. */
  readonly differences: readonly (Difference & { readonly kind: KeyKind })[];
  readonly writes: readonly KeyWrite[];
  /** On the target, of kinds that are put back, and not in the backup. */
  readonly removals: readonly string[];
  /** What the target has of these kinds, says something, and would be lost: bans, holds, keys. */
  readonly losses: number;
}

/** A key to be put back. */
export interface KeyWrite {
  readonly key: string;
  /** The scratch server that has it. */
  readonly from: Redis;
  /** The target has it too, though nothing in it that would be lost. */
  readonly replaces: boolean;
}

/** Compares what scratch servers hold of a backup with what the target has. Changes nothing. */
export async function planRestore(
  scratches: readonly Redis[],
  target: RestoreTarget,
  { wanted, signal }: { readonly wanted: Wanted; readonly signal: AbortSignal },
): Promise<RestorePlan> {
  const backups: { readonly redis: Redis; readonly keys: KeysByKind }[] = [];
  for (const redis of scratches) backups.push({ redis, keys: await ourKeys([redis], signal) });
  const targets = await ourKeys(target.primaries, signal);
  const rows: PlanRow[] = [];
  const differences: (Difference & { readonly kind: KeyKind })[] = [];
  const writes: KeyWrite[] = [];
  const removals: string[] = [];
  let losses = 0;
  for (const kind of KEY_KINDS) {
    const theirs = targets.get(kind) ?? new Set<string>();
    const ours = new Map(backups.flatMap(({ redis, keys }) => [...(keys.get(kind) ?? [])].map((key) => [key, redis])));
    if (theirs.size === 0 && ours.size === 0) continue;
    const restored = isWanted(kind, wanted);
    rows.push({ kind, inBackup: ours.size, onTarget: theirs.size, restored });
    if (!restored) continue;
    removals.push(...[...theirs].filter((key) => !ours.has(key)));
    if (kind.when === 'buckets') {
      // Thousands, and of no interest one by one.
      losses += theirs.size;
      for (const [key, from] of ours) writes.push({ key, from, replaces: false });
      continue;
    }
    for (const key of new Set([...ours.keys(), ...theirs])) {
      signal.throwIfAborted();
      const from = ours.get(key);
      const after = from === undefined ? undefined : await contentOf(from, key);
      const before = theirs.has(key) ? await contentOf(target.client, key) : undefined;
      const found = differencesOf(key, { before, after, nowMs: wallClockMs() });
      differences.push(...found.map((each) => ({ ...each, kind })));
      const lost = found.filter(({ loses }) => loses).length;
      losses += lost;
      if (from !== undefined) writes.push({ key, from, replaces: before !== undefined && lost === 0 });
    }
  }
  return { rows, differences, writes, removals, losses };
}
