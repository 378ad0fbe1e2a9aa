import type { BackupsConfig } from '../config/backups/types.ts';
import type { BackupStore } from './backup-store.ts';
import { readCatalog } from './catalog.ts';
import type { Catalog } from './catalog.ts';
import { planPrune } from './retention.ts';
import type { PrunePlan } from './retention.ts';
import { openWorkDir } from './work-dir.ts';

const DAY_MS = 24 * 3_600_000;

/** What BACKUP_KEEP_DAILY, BACKUP_KEEP_WEEKLY and BACKUP_KEEP_DAYS say of a store. */
export const pruneBy = (config: BackupsConfig, catalog: Catalog, nowMs: number): PrunePlan =>
  planPrune(catalog, {
    keep: { redis: config.keepDaily, full: config.keepWeekly },
    longestMs: config.keepDays === 0 ? undefined : config.keepDays * DAY_MS,
    nowMs,
  });

/** Does what was planned. A crash in the middle leaves files without a manifest, which a later run takes away. */
export async function prune(store: BackupStore, plan: PrunePlan, signal: AbortSignal): Promise<void> {
  for (const name of [...plan.removed.flatMap(({ names }) => names), ...plan.leftovers])
    await store.remove(name, signal);
}

/** Reads the store, and takes away what need not be kept. @returns what was done */
export async function tidyStore(
  { store, config }: { readonly store: BackupStore; readonly config: BackupsConfig },
  { nowMs, signal }: { readonly nowMs: number; readonly signal: AbortSignal },
): Promise<PrunePlan> {
  await using work = await openWorkDir(config.tempDir);
  const plan = pruneBy(config, await readCatalog(store, { tempDir: work.path, signal }), nowMs);
  await prune(store, plan, signal);
  return plan;
}
