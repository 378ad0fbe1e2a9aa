import { constants, copyFile, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { wallClockMs } from '../../shared/clock.ts';
import { makeBackup } from '../../shared/backups/make-backup.ts';
import type { BackupKind, Manifest } from '../../shared/backups/manifest.ts';
import { snapshotAll } from '../../shared/backups/snapshot/snapshot-all.ts';
import { checkRdb } from '../../shared/backups/verify/check-rdb.ts';
import type { RedisConfig } from '../../shared/config/types.ts';
import { CommandFailure } from '../command-failure.ts';
import { EXIT } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { redisConfig } from '../redis/redis-config.ts';
import type { BackupSession } from './session.ts';

/** @throws {CommandFailure} without REDIS_URL */
export function redisOf(io: CliIo): RedisConfig {
  const redis = redisConfig(io);
  if (redis !== undefined) return redis;
  throw new CommandFailure(EXIT.configuration, 'REDIS_URL is not set, so there is nothing to back up.');
}

/** Makes a backup in this process, as the job of a gateway does, and stores it where BACKUP_* say. */
export async function makeHere(io: CliIo, kind: BackupKind, { config, access }: BackupSession): Promise<Manifest> {
  const { store, tasks, signal, report } = access;
  const node = io.env['NODE_NAME'] ?? hostname();
  const slotMs = Math.floor(wallClockMs() / 1_000) * 1_000;
  return makeBackup({ config, redis: redisOf(io), node, store, tasks }, { kind, slotMs, signal, report });
}

export interface SnapshotFile {
  readonly path: string;
  readonly bytes: number;
  readonly source: string;
  readonly keys: number | null;
}

/**
 * Takes a snapshot into a file, in the clear: what redis-server loads as its dump.rdb.
 * @param to a new file; of a cluster one for each primary, `<to>.1of3`
 */
export async function snapshotTo(io: CliIo, to: string, { access }: BackupSession): Promise<readonly SnapshotFile[]> {
  const { dir, tasks, signal, report } = access;
  const redis = redisOf(io);
  const taken = await snapshotAll(redis, {
    dir,
    cpuShare: tasks.cpuShare,
    signal,
    onBytes: (doneBytes, totalBytes) => report({ step: 'snapshot', doneBytes, totalBytes }),
  });
  const paths = taken.map((_, i) => resolve(taken.length === 1 ? to : `${to}.${i + 1}of${taken.length}`));
  for (const path of paths) {
    const there = await stat(path).catch(() => undefined);
    if (there !== undefined) throw new CommandFailure(EXIT.negative, `${path} is there already: nothing was written.`);
  }
  const files: SnapshotFile[] = [];
  for (const [i, { path, source, content }] of taken.entries()) {
    report({ step: `check ${source}` });
    const keys = content === 'rdb' ? (await checkRdb(path, { cpuShare: tasks.cpuShare, signal })).keys : null;
    const target = paths[i] ?? join(dir, 'nowhere');
    await copyFile(path, target, constants.COPYFILE_EXCL);
    files.push({ path: target, bytes: (await stat(target)).size, source, keys });
    await rm(path);
  }
  return files;
}
