import type { Catalog, ListedBackup } from './catalog.ts';
import { BACKUP_KINDS } from './manifest.ts';
import type { BackupKind } from './manifest.ts';
import { idOfMember, manifestName, readBackupId } from './names.ts';

/** What a run that is still under way may take; files without a manifest are left alone for so long. */
const RUN_TAKES_MS = 24 * 3_600_000;

export interface Retention {
  readonly keep: Readonly<Record<BackupKind, number>>;
  /** How old they may become, counted from their slot; `undefined` = any age. */
  readonly longestMs?: number | undefined;
  /** Of the day that is looked at: now, or the slot of the run. */
  readonly nowMs: number;
}

export interface PrunePlan {
  /** Ids, the newest first. */
  readonly kept: readonly string[];
  readonly removed: readonly { readonly id: string; /** The manifest first. */ readonly names: readonly string[] }[];
  /** Names of files that interrupted runs have left. */
  readonly leftovers: readonly string[];
}

const isVerified = ({ manifest }: ListedBackup): boolean => manifest.verification.result === 'verified';

/**
 * What of a store goes: of each kind all but the newest so many, and those that are too old; never the newest one, nor the
 * newest verified one. What is broken goes once it is older than everything that is kept of its kind, since it may be whole
 * again until then.
 */
export function planPrune(
  { backups, broken, unlisted }: Pick<Catalog, 'backups' | 'broken' | 'unlisted'>,
  { keep, longestMs = Number.POSITIVE_INFINITY, nowMs }: Retention,
): PrunePlan {
  const kept: ListedBackup[] = [];
  const removed: ListedBackup[] = [];
  const oldest = new Map<BackupKind, number>();
  for (const kind of BACKUP_KINDS) {
    const ofKind = backups.filter(({ manifest }) => manifest.kind === kind).toSorted((a, b) => b.slotMs - a.slotMs);
    const verified = ofKind.find(isVerified);
    for (const [i, backup] of ofKind.entries()) {
      const isWanted = i === 0 || (i < keep[kind] && nowMs - backup.slotMs <= longestMs);
      const stays = isWanted || backup === verified;
      (stays ? kept : removed).push(backup);
      if (stays) oldest.set(kind, backup.slotMs);
    }
  }
  const isBelow = ({ id }: { readonly id: string }): boolean => {
    const read = readBackupId(id);
    const limit = read && oldest.get(read.kind);
    return read !== undefined && limit !== undefined && read.slotMs < limit;
  };
  return {
    kept: kept.toSorted((a, b) => b.slotMs - a.slotMs).map(({ manifest }) => manifest.id),
    removed: [
      ...removed.map(({ manifest: { id, files } }) => ({
        id,
        names: [manifestName(id), ...files.map(({ name }) => name)],
      })),
      ...broken.filter(isBelow).map(({ id }) => ({ id, names: [manifestName(id)] })),
    ],
    leftovers: unlisted.filter((name) => {
      const slotMs = readBackupId(idOfMember(name) ?? '')?.slotMs;
      return slotMs !== undefined && slotMs + RUN_TAKES_MS <= nowMs;
    }),
  };
}
