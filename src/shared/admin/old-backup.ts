import type { BackupKind } from '../backups/manifest.ts';

/** A newest backup that is older has missed its slot, as the alert BackupTooOld has it: two hours on top of a day, and of a week. */
export const OLD_BACKUP_SECONDS: Readonly<Record<BackupKind, number>> = { redis: 26 * 3_600, full: 170 * 3_600 };
