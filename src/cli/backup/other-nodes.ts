import { jobHistoryAnswer } from '../../shared/admin/jobs.ts';
import { BACKUP_KINDS } from '../../shared/backups/manifest.ts';
import type { BackupKind } from '../../shared/backups/manifest.ts';
import { AdminClient, segment } from '../admin/client.ts';
import { findAdmin } from '../admin/find-admin.ts';
import type { CliIo } from '../io.ts';

/** The job of each kind, as nodes name it. */
export const BACKUP_JOBS: Readonly<Record<BackupKind, string>> = { redis: 'redis-backup', full: 'full-backup' };

/** It is a help: nobody waits for a gateway that is not there. */
const WITHIN_MS = 1_000;

/** A backup that a run of a job has made. */
export interface MadeBackup {
  readonly id: string;
  readonly node: string;
}

/**
 * The backups that the nodes of a running gateway remember to have made, the newest first. Where each has a BACKUP_DIR of
 * its own, this says who holds what.
 * @returns none where no gateway answers
 */
export async function madeByNodes(io: CliIo): Promise<readonly MadeBackup[]> {
  try {
    const client = new AdminClient(findAdmin(io, { timeout: WITHIN_MS }));
    const made: MadeBackup[] = [];
    for (const kind of BACKUP_KINDS) {
      const path = `/admin/jobs/${segment(BACKUP_JOBS[kind])}`;
      const { value } = await client.call({ path, answer: jobHistoryAnswer });
      for (const { state, node, details } of value.runs) {
        const id = details['backup'];
        if (state === 'succeeded' && typeof id === 'string') made.push({ id, node });
      }
    }
    return made;
  } catch {
    return [];
  }
}
